// The test plugin in Go, the same as in C and AssemblyScript; cases.json says what it answers.
package main

import (
	"cmp"
	"hash/crc32"
	"hash/fnv"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"
)

const manifest = `{
  "name": "workshop",
  "version": "1.2.0",
  "description": "Does a bit of everything",
  "author": "pywasmgk",
  "license": "Apache-2.0",
  "homepage": "",
  "routes": [
    {"method": "GET", "path": "/workshop/report", "handler": "report", "middleware": ["auth"]},
    {"method": "POST", "path": "/workshop/stats", "handler": "stats"}
  ],
  "menu_items": [{
    "id": "workshop", "label": "Workshop", "path": "/workshop", "location": "admin", "order": 3,
    "children": [
      {"id": "report", "label": "Report", "path": "/workshop/report", "location": "admin"}
    ]
  }],
  "widgets": [{
    "id": "scores", "title": "Scores", "handler": "report", "location": "dashboard",
    "size": "small", "refreshable": true, "refresh_sec": 30
  }],
  "jobs": [{
    "id": "nightly", "handler": "report", "schedule": "0 3 * * *", "enabled": true,
    "timeout": "90s"
  }],
  "i18n": {
    "namespace": "workshop",
    "languages": ["en", "de"],
    "translations": {
      "en": {"workshop.title": "Workshop"},
      "de": {"workshop.title": "Werkstatt \u2013 \u00fcben"}
    }
  },
  "error_codes": [{"code": "workshop.range", "message": "result out of range", "http_status": 422}]
}`

var handlers map[string]func(args value) []byte

func init() {
	handlers = map[string]func(args value) []byte{
		"alive": alive, "base64": base64Text, "churn": churn, "count": count, "echo": echo,
		"fail": fail, "fetch": fetch, "hash": hash, "primes": primes, "publish": publish,
		"query": query, "recall": recall, "relay": relay, "remember": remember, "report": report,
		"say": say, "sort": sortRecords, "stats": stats, "store": store, "translate": translate,
		"words": words,
	}
}

// object is an answer or a request in the making: add members, then finish.
type object struct{ writer }

func newObject() *object {
	o := &object{}
	o.open('{')
	return o
}

func (o *object) addText(name, text string)             { o.key(name); o.text(text) }
func (o *object) addInteger(name string, number int64)  { o.key(name); o.integer(number) }
func (o *object) addNumber(name string, number float64) { o.key(name); o.number(number) }
func (o *object) addBool(name string, truth bool)       { o.key(name); o.boolean(truth) }
func (o *object) addValue(name string, v value)         { o.key(name); o.value(v) }
func (o *object) addBytes(name string, data []byte)     { o.key(name); o.bytes(data) }

func (o *object) finish() []byte {
	o.close('}')
	return o.data
}

// wanted reads arguments and remembers the first that is not as it must be.
type wanted struct {
	args   value
	answer []byte
}

func (w *wanted) refuse(name, what string) {
	if w.answer == nil {
		w.answer = failed(name + " must be " + what)
	}
}

func (w *wanted) text(name string) string {
	text, ok := w.args.member(name).text()
	if !ok {
		w.refuse(name, "a string")
	}
	return text
}

func (w *wanted) integer(name string) int64 {
	number, ok := w.args.member(name).integer()
	if !ok {
		w.refuse(name, "an integer")
	}
	return number
}

func (w *wanted) array(name string) []value {
	items, ok := w.args.member(name).array()
	if !ok {
		w.refuse(name, "an array")
	}
	return items
}

// item is a record with what it is sorted by.
type item struct {
	source value
	name   string
	number float64
	rank   int // 0: neither of the next, 1: by number, 2: by name
}

func byKey(a, b item) int {
	return cmp.Or(a.rank-b.rank, cmp.Compare(a.number, b.number), cmp.Compare(a.name, b.name))
}

func sortRecords(args value) []byte {
	need := wanted{args: args}
	records, by := need.array("records"), need.text("by")
	if need.answer != nil {
		return need.answer
	}
	var items []item
	for _, record := range records {
		next := item{source: record}
		key := record.member(by)
		if number, ok := key.number(); ok {
			next.number, next.rank = number, 1
		}
		if text, ok := key.text(); ok {
			next.name, next.rank = text, 2
		}
		items = append(items, next)
	}
	down := args.member("descending").kind() == 't'
	slices.SortStableFunc(items, func(a, b item) int {
		if down {
			return byKey(b, a)
		}
		return byKey(a, b)
	})
	o := newObject()
	o.key("records")
	o.open('[')
	for _, next := range items {
		o.value(next.source)
	}
	o.close(']')
	return o.finish()
}

type summary struct{ sum, mean, variance, min, median, max float64 }

// summarise sorts the numbers.
func summarise(numbers []float64) (s summary) {
	count := float64(len(numbers))
	for _, number := range numbers {
		s.sum += number
	}
	s.mean = s.sum / count
	for _, number := range numbers {
		off := number - s.mean
		s.variance += off * off
	}
	s.variance /= count
	slices.Sort(numbers)
	half := len(numbers) / 2
	s.min, s.median, s.max = numbers[0], numbers[half], numbers[len(numbers)-1]
	if len(numbers)%2 == 0 {
		s.median = (numbers[half-1] + numbers[half]) / 2
	}
	return s
}

func inRange(number float64) bool { return number <= exact && number >= -exact }

func stats(args value) []byte {
	need := wanted{args: args}
	items := need.array("numbers")
	if need.answer != nil {
		return need.answer
	}
	var numbers []float64
	for _, next := range items {
		number, ok := next.number()
		if !ok {
			return failed("numbers must hold numbers up to 2^53")
		}
		numbers = append(numbers, number)
	}
	o := newObject()
	o.addInteger("count", int64(len(numbers)))
	if len(numbers) > 0 {
		s := summarise(numbers)
		if !inRange(s.sum) || !inRange(s.variance) {
			return failed("result out of range")
		}
		o.addNumber("max", s.max)
		o.addNumber("mean", s.mean)
		o.addNumber("median", s.median)
		o.addNumber("min", s.min)
		o.addNumber("sum", s.sum)
		o.addNumber("variance", s.variance)
	}
	return o.finish()
}

func primes(args value) []byte {
	need := wanted{args: args}
	limit := need.integer("limit")
	if limit < 0 || limit > 100000 {
		need.refuse("limit", "from 0 to 100000")
	}
	if need.answer != nil {
		return need.answer
	}
	var found, last int64
	composite := make([]bool, limit)
	for i := int64(2); i < limit; i++ {
		if composite[i] {
			continue
		}
		found++
		last = i
		for k := i * i; k < limit; k += i {
			composite[k] = true
		}
	}
	o := newObject()
	o.addInteger("count", found)
	o.addInteger("last", last)
	return o.finish()
}

func writeCounts(w *writer, split []string) {
	counts := map[string]int64{}
	for _, word := range split {
		counts[word]++
	}
	kinds := make([]string, 0, len(counts))
	for word := range counts {
		kinds = append(kinds, word)
	}
	slices.SortFunc(kinds, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	w.open('[')
	for _, word := range kinds {
		w.open('[')
		w.text(word)
		w.integer(counts[word])
		w.close(']')
	}
	w.close(']')
}

func reversed(text string) string {
	runes := []rune(text)
	for i, k := 0, len(runes)-1; i < k; i, k = i+1, k-1 {
		runes[i], runes[k] = runes[k], runes[i]
	}
	return string(runes)
}

func upper(r rune) rune {
	if r >= 'a' && r <= 'z' {
		return r - 0x20
	}
	return r
}

func words(args value) []byte {
	need := wanted{args: args}
	text := need.text("text")
	if need.answer != nil {
		return need.answer
	}
	split := strings.FieldsFunc(text, func(r rune) bool { return r < 0x80 && isBlank(byte(r)) })
	longest := ""
	for _, word := range split {
		if utf8.RuneCountInString(word) > utf8.RuneCountInString(longest) {
			longest = word
		}
	}
	lines := 0
	if text != "" {
		lines = strings.Count(text, "\n") + 1
	}
	o := newObject()
	o.addInteger("bytes", int64(len(text)))
	o.addInteger("characters", int64(utf8.RuneCountInString(text)))
	o.key("counts")
	writeCounts(&o.writer, split)
	o.addInteger("lines", int64(lines))
	o.addText("longest", longest)
	o.addText("reversed", reversed(text))
	o.addText("upper", strings.Map(upper, text))
	return o.finish()
}

func base64Text(args value) []byte {
	o := newObject()
	if text, ok := args.member("encode").text(); ok {
		o.addBytes("base64", []byte(text))
		return o.finish()
	}
	need := wanted{args: args}
	need.text("decode")
	data, ok := args.member("decode").bytes()
	if !ok {
		need.refuse("decode", "base64")
	}
	if need.answer != nil {
		return need.answer
	}
	if !utf8.Valid(data) {
		return failed("the bytes are no text")
	}
	o.addText("text", string(data))
	return o.finish()
}

func hexadecimal(number uint64, digits int) string {
	text := strconv.FormatUint(number, 16)
	return strings.Repeat("0", digits-len(text)) + text
}

func hash(args value) []byte {
	need := wanted{args: args}
	text := need.text("text")
	if need.answer != nil {
		return need.answer
	}
	hasher := fnv.New64a()
	hasher.Write([]byte(text))
	o := newObject()
	o.addText("crc32", hexadecimal(uint64(crc32.ChecksumIEEE([]byte(text))), 8))
	o.addText("fnv1a", hexadecimal(hasher.Sum64(), 16))
	return o.finish()
}

var calls, total int64

func count(args value) []byte {
	add := int64(1)
	if !args.member("add").missing() {
		need := wanted{args: args}
		if add = need.integer("add"); need.answer != nil {
			return need.answer
		}
	}
	calls++
	total += add
	o := newObject()
	o.addInteger("calls", calls)
	o.addInteger("total", total)
	return o.finish()
}

func echo(args value) []byte {
	if args.missing() {
		args = read("null")
	}
	w := writer{}
	w.value(args)
	return w.data
}

func churn(args value) []byte {
	need := wanted{args: args}
	rounds := need.integer("rounds")
	if need.answer != nil {
		return need.answer
	}
	made, joined := 0, ""
	for round := int64(0); round < rounds; round++ {
		var pieces []string
		for i := 0; i < 20; i++ {
			pieces = append(pieces, strconv.FormatInt(round, 10)+":"+strconv.Itoa(i))
		}
		joined = strings.Join(pieces, ",")
		made += len(joined)
	}
	o := newObject()
	o.addInteger("bytes", int64(made))
	o.addText("check", hexadecimal(uint64(crc32.ChecksumIEEE([]byte(joined))), 8))
	return o.finish()
}

// alive counts blocks and bytes that are not free, after a collection.
func alive(args value) []byte {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	o := newObject()
	o.addInteger("blocks", int64(memory.HeapObjects))
	o.addInteger("bytes", int64(memory.HeapAlloc))
	return o.finish()
}

func query(args value) []byte {
	need := wanted{args: args}
	need.text("query")
	need.array("args")
	if need.answer != nil {
		return need.answer
	}
	request := writer{}
	request.value(args)
	rows := ask("db_query", request.data)
	if rows.missing() {
		return failed("db_query failed")
	}
	if rows.kind() == 'n' {
		rows = read("[]")
	}
	o := newObject()
	o.addValue("rows", rows)
	return o.finish()
}

func store(args value) []byte {
	need := wanted{args: args}
	name := need.text("name")
	if need.answer != nil {
		return need.answer
	}
	given := args.member("value")
	if given.missing() {
		given = read("null")
	}
	request := newObject()
	request.addText("query", "INSERT INTO score (name, value) VALUES (?, ?)")
	request.key("args")
	request.open('[')
	request.text(name)
	request.value(given)
	request.close(']')
	affected, ok := ask("db_exec", request.finish()).member("affected").integer()
	if !ok {
		return failed("db_exec failed")
	}
	o := newObject()
	o.addInteger("affected", affected)
	return o.finish()
}

func cacheSet(key, text string, ttl int64) bool {
	request := newObject()
	request.addText("key", key)
	request.addBytes("value", []byte(text))
	request.addInteger("ttl", ttl)
	return !ask("cache_set", request.finish()).missing()
}

func remember(args value) []byte {
	need := wanted{args: args}
	key, text, ttl := need.text("key"), need.text("value"), need.integer("ttl")
	if need.answer != nil {
		return need.answer
	}
	o := newObject()
	o.addBool("kept", cacheSet(key, text, ttl))
	return o.finish()
}

func recall(args value) []byte {
	need := wanted{args: args}
	key := need.text("key")
	if need.answer != nil {
		return need.answer
	}
	request := newObject()
	request.addText("key", key)
	response := ask("cache_get", request.finish())
	found := response.member("found").kind() == 't'
	o := newObject()
	o.addBool("found", found)
	if found {
		data, ok := response.member("value").bytes()
		if !ok || !utf8.Valid(data) {
			return failed("the bytes are no text")
		}
		o.addText("value", string(data))
	}
	return o.finish()
}

func fetch(args value) []byte {
	need := wanted{args: args}
	url := need.text("url")
	if need.answer != nil {
		return need.answer
	}
	method, ok := args.member("method").text()
	if !ok {
		method = "GET"
	}
	headers := args.member("headers")
	if headers.kind() != '{' {
		headers = read("{}")
	}
	request := newObject()
	request.addText("method", method)
	request.addText("url", url)
	request.addValue("headers", headers)
	if body, ok := args.member("body").text(); ok {
		request.addBytes("body", []byte(body))
	}
	response := ask("http_request", request.finish())
	status, ok := response.member("status").integer()
	if !ok {
		return failed("http_request failed")
	}
	body, ok := response.member("body").bytes()
	if !ok || !utf8.Valid(body) {
		return failed("the bytes are no text")
	}
	o := newObject()
	o.addText("body", string(body))
	o.addInteger("status", status)
	return o.finish()
}

func say(args value) []byte {
	need := wanted{args: args}
	level, message := need.integer("level"), need.text("message")
	if need.answer != nil {
		return need.answer
	}
	logLine(uint32(level), message)
	o := newObject()
	o.addBool("logged", true)
	return o.finish()
}

func translate(args value) []byte {
	need := wanted{args: args}
	key := need.text("key")
	need.array("args")
	if need.answer != nil {
		return need.answer
	}
	request := newObject()
	request.addText("key", key)
	request.addValue("args", args.member("args"))
	text, ok := ask("translate", request.finish()).member("value").text()
	if !ok {
		return failed("translate failed")
	}
	o := newObject()
	o.addText("text", text)
	return o.finish()
}

func publishEvent(channel, kind, data string) bool {
	request := newObject()
	request.addText("channel", channel)
	request.addText("event_type", kind)
	request.addText("data", data)
	return !ask("publish_event", request.finish()).missing()
}

func publish(args value) []byte {
	need := wanted{args: args}
	channel, kind, data := need.text("channel"), need.text("type"), need.text("data")
	if need.answer != nil {
		return need.answer
	}
	o := newObject()
	o.addBool("published", publishEvent(channel, kind, data))
	return o.finish()
}

func relay(args value) []byte {
	need := wanted{args: args}
	need.text("plugin")
	need.text("function")
	if need.answer != nil {
		return need.answer
	}
	request := writer{}
	request.value(args)
	response := ask("plugin_call", request.data)
	if response.missing() {
		response = read("null")
	}
	o := newObject()
	o.addValue("answer", response)
	return o.finish()
}

func report(args value) []byte {
	request := []byte(`{"query":"SELECT name, value FROM score ORDER BY name"}`)
	rows := ask("db_query", request)
	if rows.missing() {
		return failed("db_query failed")
	}
	items, _ := rows.array()
	var numbers []float64
	best, top := "", 0.0
	for i, row := range items {
		name, named := row.member("name").text()
		number, valued := row.member("value").number()
		if !named || !valued {
			return failed("a row is no score")
		}
		if i == 0 || number > top {
			best, top = name, number
		}
		numbers = append(numbers, number)
	}
	o := newObject()
	if len(numbers) > 0 {
		o.addText("best", best)
	}
	o.addInteger("count", int64(len(numbers)))
	if len(numbers) > 0 {
		o.addNumber("mean", summarise(numbers).mean)
	}
	done := o.finish()
	logLine(1, "scores: "+strconv.Itoa(len(numbers)))
	cacheSet("workshop.report", string(done), 60)
	publishEvent("workshop", "report", string(done))
	return done
}

var zero int

//go:noinline
func deeper(depth int) int { return deeper(depth+1) + zero + 1 }

func fail(args value) []byte {
	need := wanted{args: args}
	kind := need.text("kind")
	if need.answer != nil {
		return need.answer
	}
	switch kind {
	case "unreachable":
		panic("unreachable")
	case "divide":
		zero = 1 / zero
	case "bounds":
		zero = *(*int)(unsafe.Pointer(uintptr(0xFFFFFFF0)))
	case "recurse":
		zero = deeper(0)
	case "loop":
		for {
			zero = 0
		}
	}
	need.refuse("kind", "one that is known")
	return need.answer
}
