// A program for js/wasm that a test builds: streams, arguments, time, functions and promises.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall/js"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		input, _ := bufio.NewReader(os.Stdin).ReadString('\n')
		time.Sleep(3 * time.Millisecond)
		_, err := os.Open("nothing.txt")
		fmt.Println(strings.Join(os.Args[1:], "+"), os.Getenv("HUE"), strings.ToUpper(input), os.IsNotExist(err))
		os.Exit(len(os.Args))
	}
	js.Global().Set("goats", js.ValueOf(map[string]any{
		"count": js.FuncOf(func(this js.Value, args []js.Value) any {
			return map[string]any{"goats": strings.Count(args[0].String(), "goat"), "of": args[1].Get("name").String()}
		}),
		"later": js.FuncOf(func(this js.Value, args []js.Value) any {
			return js.Global().Get("Promise").New(js.FuncOf(func(this js.Value, pair []js.Value) any {
				go func() {
					time.Sleep(time.Millisecond)
					data := make([]byte, args[0].Length())
					js.CopyBytesToGo(data, args[0])
					pair[0].Invoke(strings.ToUpper(string(data)))
				}()
				return nil
			}))
		}),
		"fail": js.FuncOf(func(this js.Value, args []js.Value) any {
			return js.Global().Get("Promise").Call("reject", js.Global().Get("Error").New("no goats"))
		}),
		"each": js.FuncOf(func(this js.Value, args []js.Value) any {
			for at := 0; at < args[0].Length(); at++ {
				args[1].Invoke(args[0].Index(at))
			}
			return nil
		}),
	}))
	select {}
}
