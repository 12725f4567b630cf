package activity

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
)

// maxLine is the maximum length of a line. What the server writes is shorter.
const maxLine = 1 << 20

// A Line is a line of the log.
type Line struct {
	Record
	Text []byte // as it is in the file, without the line break
}

// Read passes the lines of the log to f, the oldest first, until f returns false. It
// includes the rotated files. It returns how many lines were skipped because they are
// broken. The error is fs.ErrNotExist if there is no log.
func Read(path string, f func(Line) bool) (broken int, err error) {
	files, err := openAll(path)
	for _, file := range files {
		defer file.Close()
	}
	if err != nil {
		return 0, err
	}
	for _, file := range slices.Backward(files) {
		n, more, err := readLines(file, f)
		broken += n
		if err != nil {
			return broken, pathError(path, err)
		}
		if !more {
			break
		}
	}
	return broken, nil
}

// openAll opens the files of the log, the newest first. In this order no file is missed if
// the log is rotated at the same time; one may be met twice.
func openAll(path string) (files []*os.File, err error) {
	for n := 0; ; n++ {
		file, err := openToRead(rotated(path, n))
		switch {
		case errors.Is(err, fs.ErrNotExist) && n >= DefaultKeep && len(files) > 0:
			return files, nil
		case errors.Is(err, fs.ErrNotExist) && n >= DefaultKeep:
			return nil, pathError(path, err)
		case errors.Is(err, fs.ErrNotExist):
			continue // the program may have been killed while it rotated
		case err != nil:
			return files, pathError(rotated(path, n), err)
		case contains(files, file):
			file.Close()
		default:
			files = append(files, file)
		}
	}
}

func openToRead(path string) (*os.File, error) {
	info, err := os.Lstat(path) // before the file is opened, which blocks on a named pipe
	if err != nil {
		return nil, err
	}
	if err := checkKind(path, info); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDONLY|noFollow, 0)
}

// contains reports whether one of the open files is the same as file.
func contains(files []*os.File, file *os.File) bool {
	info, err := file.Stat()
	return err == nil && slices.ContainsFunc(files, func(other *os.File) bool {
		known, err := other.Stat()
		return err == nil && os.SameFile(info, known)
	})
}

// readLines passes the lines of one file to f. It returns false if f did.
func readLines(file io.Reader, f func(Line) bool) (broken int, more bool, err error) {
	r := bufio.NewReaderSize(file, maxLine)
	for {
		text, err := nextLine(r)
		if err != nil && !errors.Is(err, io.EOF) {
			return broken, false, err
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			line, ok := parse(text)
			switch {
			case !ok:
				broken++
			case !f(line):
				return broken, false, nil
			}
		}
		if err != nil {
			return broken, true, nil
		}
	}
}

// nextLine returns the next line. Of one that is too long, it returns a text that is none.
func nextLine(r *bufio.Reader) ([]byte, error) {
	text, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return text, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	return []byte("too long"), err
}

// parse returns a line, or false if it is broken.
func parse(text []byte) (Line, bool) {
	line := Line{Text: bytes.Clone(text)}
	err := json.Unmarshal(text, &line.Record)
	_, dated := line.When()
	return line, err == nil && dated && line.Call != "" && line.Outcome != ""
}
