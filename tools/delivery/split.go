package delivery

import (
	"errors"
	"strings"
	"unicode"
)

// splitWords splits a command line into words, without a shell: nothing is expanded.
//
// White space separates words, except in quotes. Single quotes preserve every
// character. A backslash escapes a quote, another backslash and, outside of quotes,
// white space. Before any other character it stands for itself, so that Windows paths
// need no quotes.
//
// Libraries split as a POSIX shell does, in which a backslash escapes every character:
// go-shellquote, shlex, go-shellwords and mvdan.cc/sh/v3/shell all lose the backslashes
// of C:\tools\op.exe. All but the first also end the command at a # or a ;, and the last
// expands ~.
func splitWords(line string) ([]string, error) {
	var list []string
	var word strings.Builder
	var quote rune // 0 outside of quotes
	inWord := false
	runes := []rune(line)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch {
		case r == '\\' && i+1 < len(runes) && escapes(quote, runes[i+1]):
			i++
			word.WriteRune(runes[i])
			inWord = true
		case quote == 0 && unicode.IsSpace(r):
			if inWord {
				list = append(list, word.String())
			}
			word.Reset()
			inWord = false
		case quote == 0 && (r == '\'' || r == '"'):
			quote, inWord = r, true // '' is a word too
		case r == quote:
			quote = 0
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if inWord {
		list = append(list, word.String())
	}
	return list, nil
}

// escapes reports whether a backslash escapes next inside quote, which is 0 outside of
// quotes.
func escapes(quote, next rune) bool {
	switch quote {
	case '\'':
		return false
	case '"':
		return next == '"' || next == '\\'
	}
	return strings.ContainsRune(`'"\`, next) || unicode.IsSpace(next)
}
