module goats

go 1.21
