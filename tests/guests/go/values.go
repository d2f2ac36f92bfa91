// JSON without encoding/json, which would double the size of the module: a text is checked once,
// then values are pieces of it. The writer makes the same bytes as the other guests' writers.
package main

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"
)

const maxDepth = 10000

// cursor is the rest of a text that is being read.
type cursor struct{ rest string }

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (c *cursor) blanks() {
	for c.rest != "" && isBlank(c.rest[0]) {
		c.rest = c.rest[1:]
	}
}

func (c *cursor) take(wanted byte) bool {
	if c.rest == "" || c.rest[0] != wanted {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

func (c *cursor) takeAny(wanted string) bool {
	if c.rest == "" || strings.IndexByte(wanted, c.rest[0]) < 0 {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

func (c *cursor) takeWord(word string) (ok bool) {
	c.rest, ok = strings.CutPrefix(c.rest, word)
	return ok
}

func (c *cursor) takeDigits() bool {
	if !c.takeAny("0123456789") {
		return false
	}
	for c.takeAny("0123456789") {
	}
	return true
}

func (c *cursor) takeNumber() bool {
	c.take('-')
	if !c.take('0') && !c.takeDigits() {
		return false
	}
	if c.take('.') && !c.takeDigits() {
		return false
	}
	if !c.takeAny("eE") {
		return true
	}
	c.takeAny("+-")
	return c.takeDigits()
}

func (c *cursor) takeEscape() bool {
	if c.takeAny(`"\/bfnrt`) {
		return true
	}
	if !c.take('u') {
		return false
	}
	for i := 0; i < 4; i++ {
		if !c.takeAny("0123456789abcdefABCDEF") {
			return false
		}
	}
	return true
}

func (c *cursor) takeString() bool {
	if !c.take('"') {
		return false
	}
	for c.rest != "" {
		switch {
		case c.take('"'):
			return true
		case c.take('\\'):
			if !c.takeEscape() {
				return false
			}
		case c.rest[0] < 0x20:
			return false
		default:
			c.rest = c.rest[1:]
		}
	}
	return false
}

func (c *cursor) takeKey() bool {
	c.blanks()
	if !c.takeString() {
		return false
	}
	c.blanks()
	return c.take(':')
}

func (c *cursor) takeScalar() bool {
	if c.rest == "" {
		return false
	}
	switch c.rest[0] {
	case '"':
		return c.takeString()
	case 't':
		return c.takeWord("true")
	case 'f':
		return c.takeWord("false")
	case 'n':
		return c.takeWord("null")
	}
	return c.takeNumber()
}

// valid tells whether the text is exactly one JSON value.
func valid(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	c := cursor{text}
	var waiting []byte // the closing bracket of every array and object that is open
	for {
		c.blanks()
		if object := c.take('{'); object || c.take('[') {
			if len(waiting) == maxDepth {
				return false
			}
			closing := byte(']')
			if object {
				closing = '}'
			}
			waiting = append(waiting, closing)
			c.blanks()
			if c.rest == "" {
				return false
			}
			if c.rest[0] != closing {
				if object && !c.takeKey() {
					return false
				}
				continue
			}
		} else if !c.takeScalar() {
			return false
		}
		for more := false; !more; { // after a value
			c.blanks()
			if len(waiting) == 0 {
				return c.rest == ""
			}
			closing := waiting[len(waiting)-1]
			if c.take(closing) {
				waiting = waiting[:len(waiting)-1]
				continue
			}
			if more = c.take(','); !more || closing == '}' && !c.takeKey() {
				return false
			}
		}
	}
}

// next gives the next value of an array or object, where keys and values take turns. In checked text
// commas and colons need no more attention than blanks.
func (c *cursor) next() (v value, ok bool) {
	c.rest = strings.TrimLeft(c.rest, " \t\n\r,:")
	depth, at := 0, 0
scan:
	for at < len(c.rest) {
		switch now := c.rest[at]; now {
		case ' ', '\t', '\n', '\r', ',', ':':
			if depth == 0 {
				break scan
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			for at++; c.rest[at] != '"'; at++ {
				if c.rest[at] == '\\' {
					at++
				}
			}
		}
		at++
	}
	v, c.rest = value{c.rest[:at]}, c.rest[at:]
	return v, at > 0
}

// value is one JSON value of checked text; without text there is none.
type value struct{ source string }

// read gives the value of a text; none if it is no JSON.
func read(text string) value {
	if !valid(text) {
		return value{}
	}
	return value{strings.Trim(text, " \t\n\r")}
}

func (v value) missing() bool { return v.source == "" }

// kind is one of { [ " t f n 0, or 0 for no value.
func (v value) kind() byte {
	if v.missing() {
		return 0
	}
	if first := v.source[0]; first != '-' && (first < '0' || first > '9') {
		return first
	}
	return '0'
}

func (v value) inside() cursor { return cursor{v.source[1 : len(v.source)-1]} }

// member gives the last one if there are several of that name.
func (v value) member(name string) (found value) {
	if v.kind() != '{' {
		return found
	}
	c := v.inside()
	for {
		key, ok := c.next()
		if !ok {
			return found
		}
		item, _ := c.next()
		if decoded, _ := key.text(); decoded == name {
			found = item
		}
	}
}

func (v value) array() (items []value, ok bool) {
	if v.kind() != '[' {
		return nil, false
	}
	c := v.inside()
	for {
		item, ok := c.next()
		if !ok {
			return items, true
		}
		items = append(items, item)
	}
}

func (v value) text() (string, bool) {
	if v.kind() != '"' {
		return "", false
	}
	inside := v.source[1 : len(v.source)-1]
	if strings.IndexByte(inside, '\\') < 0 {
		return inside, true
	}
	decoded := make([]byte, 0, len(inside))
	for inside != "" {
		plain, escape, found := strings.Cut(inside, "\\")
		decoded, inside = append(decoded, plain...), escape
		if found {
			var point rune
			point, inside = unescape(escape)
			decoded = utf8.AppendRune(decoded, point)
		}
	}
	return string(decoded), true
}

// unescape reads what follows a backslash. Surrogates that are no pair become U+FFFD.
func unescape(escape string) (point rune, rest string) {
	letter, rest := escape[0], escape[1:]
	if at := strings.IndexByte("b\bf\fn\nr\rt\t", letter); at >= 0 {
		return rune("b\bf\fn\nr\rt\t"[at+1]), rest
	}
	if letter != 'u' {
		return rune(letter), rest
	}
	unit, rest := unicode(rest[:4]), rest[4:]
	if unit < 0xD800 || unit > 0xDFFF {
		return unit, rest
	}
	if unit < 0xDC00 && strings.HasPrefix(rest, `\u`) {
		if low := unicode(rest[2:6]); low >= 0xDC00 && low <= 0xDFFF {
			return 0x10000 + (unit-0xD800)<<10 + low - 0xDC00, rest[6:]
		}
	}
	return utf8.RuneError, rest
}

func unicode(digits string) rune {
	unit, _ := strconv.ParseUint(digits, 16, 16)
	return rune(unit)
}

func (v value) integer() (int64, bool) {
	if v.kind() != '0' {
		return 0, false
	}
	number, err := strconv.ParseInt(v.source, 10, 64)
	return number, err == nil
}

const exact = 1 << 53 // integers up to here are exact in 64-bit floats

// number takes what the C guest takes: digits that make an integer up to 2^53, a power of ten
// within 22, nothing above 2^53.
func (v value) number() (float64, bool) {
	if v.kind() != '0' {
		return 0, false
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(v.source), "e")
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	digits, err := strconv.ParseUint(whole+fraction, 10, 64)
	if err != nil || digits > exact {
		return 0, false
	}
	power := 0
	if exponent != "" {
		if power, err = strconv.Atoi(exponent); err != nil {
			return 0, false
		}
	}
	if power -= len(fraction); power < -22 || power > 22 {
		return 0, false
	}
	number, err := strconv.ParseFloat(v.source, 64)
	return number, err == nil && number <= exact && number >= -exact
}

// bytes decodes base64 without line breaks; null is no bytes.
func (v value) bytes() ([]byte, bool) {
	if v.kind() == 'n' {
		return nil, true
	}
	text, ok := v.text()
	if !ok || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	data, err := base64.StdEncoding.DecodeString(text)
	return data, err == nil
}

// writer appends JSON to data.
type writer struct{ data []byte }

// comma writes one unless nothing, an opening bracket or a colon stands before.
func (w *writer) comma() {
	if len(w.data) > 0 && !strings.ContainsRune("[{:", rune(w.data[len(w.data)-1])) {
		w.data = append(w.data, ',')
	}
}

func (w *writer) open(bracket byte) {
	w.comma()
	w.data = append(w.data, bracket)
}

func (w *writer) close(bracket byte) { w.data = append(w.data, bracket) }

func (w *writer) text(text string) {
	const letters = "\bb\ff\nn\rr\tt\"\"\\\\" // character, letter
	const hex = "0123456789abcdef"
	w.open('"')
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			w.data = append(w.data, c)
		} else if at := strings.IndexByte(letters, c); at >= 0 {
			w.data = append(w.data, '\\', letters[at+1])
		} else {
			w.data = append(w.data, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	w.close('"')
}

func (w *writer) key(name string) {
	w.text(name)
	w.data = append(w.data, ':')
}

func (w *writer) integer(number int64) {
	w.comma()
	w.data = strconv.AppendInt(w.data, number, 10)
}

// number writes at most six decimals, rounded half up, without zeros at the end.
func (w *writer) number(number float64) {
	size := max(number, -number)
	whole := uint64(size)
	millionths := uint64((size-float64(whole))*1e6 + 0.5)
	whole += millionths / 1000000
	millionths %= 1000000
	w.comma()
	if number < 0 && whole+millionths > 0 {
		w.data = append(w.data, '-')
	}
	w.data = strconv.AppendUint(w.data, whole, 10)
	if millionths > 0 {
		decimals := strconv.FormatUint(millionths+1000000, 10)[1:]
		w.data = append(w.data, '.')
		w.data = append(w.data, strings.TrimRight(decimals, "0")...)
	}
}

func (w *writer) boolean(truth bool) {
	w.comma()
	w.data = strconv.AppendBool(w.data, truth)
}

// value writes a value as it stands in its source, without the blanks between its parts.
func (w *writer) value(v value) {
	w.comma()
	inside := false // of a string
	for i := 0; i < len(v.source); i++ {
		c := v.source[i]
		if !inside && isBlank(c) {
			continue
		}
		w.data = append(w.data, c)
		switch {
		case c == '"':
			inside = !inside
		case inside && c == '\\':
			i++
			w.data = append(w.data, v.source[i])
		}
	}
}

func (w *writer) bytes(data []byte) { w.text(base64.StdEncoding.EncodeToString(data)) }
