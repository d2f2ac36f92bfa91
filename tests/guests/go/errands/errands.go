// The errands plugin in Go; tests/plugin/test_toolchains.py says what it answers.
package main

import (
	"bytes"
	"hash/crc32"
	"hash/fnv"
	"math"
	"runtime"
	"strconv"
	"unsafe"
)

const manifest = `{"name":"errands","version":"1.0.0",
"description":"Runs errands, the same in every language",
"author":"pywasmgk","license":"Apache-2.0","homepage":"",
"routes":[{"method":"POST","path":"/errands/sum","handler":"sum"}],
"error_codes":[{"code":"errands.numbers","message":"numbers expected","http_status":422}]}`

//go:wasmimport gk host_call
func hostCall(name unsafe.Pointer, nameSize uint32, request unsafe.Pointer, size uint32) uint64

//go:wasmimport gk log
func hostLog(level uint32, message unsafe.Pointer, size uint32)

// ---- memory

// What the host or the guest holds by its address, so that it is not collected.
var pinned = map[uint32][]byte{}

func pin(block []byte) uint32 {
	address := uint32(uintptr(unsafe.Pointer(&block[0])))
	pinned[address] = block
	return address
}

//go:wasmexport gk_malloc
func gkMalloc(size uint32) uint32 { return pin(make([]byte, max(size, 1))) }

//go:wasmexport gk_free
func gkFree(address uint32) { delete(pinned, address) }

func pack(answer []byte) uint64 {
	if len(answer) == 0 {
		return 0
	}
	return uint64(pin(answer))<<32 | uint64(len(answer))
}

func start(data []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(data)) }

// ---- reading

// takeDigits takes up to 18 digits, which fit into 64 bits.
func takeDigits(rest *[]byte) (value int64, good bool) {
	count := 0
	for ; count < len(*rest) && (*rest)[count] >= '0' && (*rest)[count] <= '9'; count++ {
		if count < 18 {
			value = value*10 + int64((*rest)[count]-'0')
		}
	}
	*rest = (*rest)[count:]
	return value, count >= 1 && count <= 18
}

func take(rest *[]byte, c byte) bool {
	if len(*rest) == 0 || (*rest)[0] != c {
		return false
	}
	*rest = (*rest)[1:]
	return true
}

// readSum tells how many numbers there are, and their sum, which wraps at 64 bits.
func readSum(rest []byte) (count int, total int64, good bool) {
	good = take(&rest, '[')
	if good && !take(&rest, ']') {
		for more := true; more; more = good && take(&rest, ',') {
			negative := take(&rest, '-')
			var number int64
			number, good = takeDigits(&rest)
			if negative {
				number = -number
			}
			total += number
			count++
		}
		good = good && take(&rest, ']')
	}
	return count, total, good && len(rest) == 0
}

// ---- handlers

func failed(message string, detail []byte) []byte {
	out := []byte(`{"error":"` + message)
	for _, c := range detail {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c < ' ':
			out = append(out, "\\u00"+hex(uint64(c), 2)...)
		default:
			out = append(out, c)
		}
	}
	return append(out, `"}`...)
}

func hex(value uint64, digits int) string {
	text := strconv.FormatUint(value, 16)
	for len(text) < digits {
		text = "0" + text
	}
	return text
}

func decimal(value int64) string { return strconv.FormatInt(value, 10) }

var calls int64

func count([]byte) []byte {
	calls++
	return []byte(`{"calls":` + decimal(calls) + `}`)
}

func echo(args []byte) []byte { return bytes.Clone(args) }

func sum(args []byte) []byte {
	numbers, total, good := readSum(args)
	if !good {
		return failed("numbers expected", nil)
	}
	return []byte(`{"count":` + decimal(int64(numbers)) + `,"sum":` + decimal(total) + `}`)
}

func root(args []byte) []byte {
	number, good := takeDigits(&args)
	if !good || len(args) > 0 {
		return failed("number expected", nil)
	}
	return []byte(`{"root":` + decimal(int64(math.Sqrt(float64(number))*1000)) + `}`)
}

func hash(args []byte) []byte {
	fnv1a := fnv.New64a()
	fnv1a.Write(args)
	crc := hex(uint64(crc32.ChecksumIEEE(args)), 8)
	return []byte(`{"crc32":"` + crc + `","fnv1a":"` + hex(fnv1a.Sum64(), 16) + `"}`)
}

func note(args []byte) []byte {
	if len(args) == 0 || args[0] < '0' || args[0] > '9' {
		return failed("level expected", nil)
	}
	message := args[1:]
	hostLog(uint32(args[0]-'0'), start(message), uint32(len(message)))
	return []byte(`{"noted":` + decimal(int64(len(message))) + `}`)
}

// ask takes NAME REQUEST and gives what the host answers.
func ask(args []byte) []byte {
	name, request, _ := bytes.Cut(args, []byte{' '})
	packed := hostCall(start(name), uint32(len(name)), start(request), uint32(len(request)))
	runtime.KeepAlive(args)
	if packed == 0 {
		return failed("host call failed: ", name)
	}
	address := uint32(packed >> 32)
	answer := pinned[address]
	gkFree(address)
	return answer[:uint32(packed)]
}

var zero uint32

//go:noinline
func deeper(depth uint32) uint32 {
	if depth == ^uint32(0) {
		return 0
	}
	return deeper(depth+1) + zero + 1
}

// fail has no instruction of its own for unreachable; what Go makes of the others is a panic too.
func fail(args []byte) []byte {
	switch string(args) {
	case "unreachable":
		panic("unreachable")
	case "divide":
		zero = 1 / zero
	case "bounds":
		zero = *(*uint32)(unsafe.Pointer(^uintptr(15)))
	case "recurse":
		zero = deeper(0)
	case "loop":
		for {
			zero = 0
		}
	}
	return failed("unknown kind: ", args)
}

// ---- the contract

var handlers map[string]func(args []byte) []byte

func init() {
	handlers = map[string]func(args []byte) []byte{
		"ask": ask, "count": count, "echo": echo, "fail": fail, "hash": hash, "note": note,
		"root": root, "sum": sum,
	}
}

//go:wasmexport gk_register
func gkRegister() uint64 { return pack([]byte(manifest)) }

//go:wasmexport gk_call
func gkCall(function, functionSize, args, size uint32) uint64 {
	name := pinned[function][:functionSize]
	run, found := handlers[string(name)]
	if !found {
		return pack(failed("unknown function: ", name))
	}
	return pack(run(pinned[args][:size]))
}

func main() {}
