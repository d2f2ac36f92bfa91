module workshop

go 1.24
