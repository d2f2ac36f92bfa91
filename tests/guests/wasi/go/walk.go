// Walks a directory as Go programs do: names, sizes, the first line of each file, a copy of the
// longest one, all with Go's own packages for files, paths and time.
package main

import (
	"bufio"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

func firstLine(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return "(" + err.Error() + ")"
	}
	defer file.Close()
	line, err := bufio.NewReader(file).ReadString('\n')
	if err != nil && err != io.EOF {
		return "(" + err.Error() + ")"
	}
	return strconv.Quote(line)
}

func main() {
	if len(os.Args) < 2 {
		os.Stderr.WriteString("usage: walk DIRECTORY\n")
		os.Exit(2)
	}
	began := time.Now()
	longest, most := "", int64(-1)
	err := filepath.WalkDir(os.Args[1], func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Size() > most {
			longest, most = path, info.Size()
		}
		os.Stdout.WriteString(path + " " + strconv.FormatInt(info.Size(), 10) + " " + firstLine(path) + "\n")
		return nil
	})
	if err == nil && os.Getenv("COPY") != "" {
		var data []byte
		if data, err = os.ReadFile(longest); err == nil {
			err = os.WriteFile(os.Getenv("COPY"), data, 0o666)
		}
	}
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	time.Sleep(2 * time.Millisecond)
	if time.Since(began) < 2*time.Millisecond {
		os.Exit(3)
	}
}
