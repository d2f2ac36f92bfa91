// The binary side of the GoatKit plugin contract for Go: imports, memory, packed pointers, and what
// every plugin does alike.
package main

import (
	"runtime"
	"unsafe"
)

//go:wasmimport gk host_call
func hostCall(name unsafe.Pointer, nameSize uint32, request unsafe.Pointer, size uint32) uint64

//go:wasmimport gk log
func hostLog(level uint32, message unsafe.Pointer, size uint32)

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

//go:wasmexport gk_register
func gkRegister() uint64 { return pack([]byte(manifest)) }

//go:wasmexport gk_call
func gkCall(function, functionSize, args, size uint32) uint64 {
	name := string(pinned[function][:functionSize])
	return pack(dispatch(name, string(pinned[args])))
}

func dispatch(name, args string) []byte {
	run, found := handlers[name]
	if !found {
		return failed("unknown function: " + name)
	}
	if args == "" {
		return run(value{})
	}
	read := read(args)
	if read.missing() {
		return failed("invalid JSON")
	}
	return run(read)
}

func failed(message string) []byte {
	w := &writer{}
	w.open('{')
	w.key("error")
	w.text(message)
	w.close('}')
	return w.data
}

func textPointer(s string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(s)) }

// Calls a host function; nil stands for failure, for nothing, and for what is no JSON.
func ask(name string, request []byte) value {
	packed := hostCall(textPointer(name), uint32(len(name)),
		unsafe.Pointer(unsafe.SliceData(request)), uint32(len(request)))
	runtime.KeepAlive(request)
	if packed == 0 {
		return value{}
	}
	address := uint32(packed >> 32)
	answer := string(pinned[address])
	gkFree(address)
	return read(answer)
}

func logLine(level uint32, message string) {
	hostLog(level, textPointer(message), uint32(len(message)))
}

func main() {}
