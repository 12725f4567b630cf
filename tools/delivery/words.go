package delivery

import (
	"errors"
	"strings"
	"unicode"
)

// words splits a command into words, without a shell: nothing is expanded.
//
// White space separates words, except in quotes. Single quotes keep everything as
// it stands. A backslash takes the meaning from a quote, from another backslash
// and, outside of quotes, from a blank; before anything else it stands for itself,
// so that paths of Windows need no quotes.
//
// The libraries for this either expand variables, or drop what follows a #, or eat
// every backslash.
func words(line string) ([]string, error) {
	var list []string
	var word strings.Builder
	var quote rune // 0 outside of quotes
	begun := false
	runes := []rune(line)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch {
		case r == '\\' && i+1 < len(runes) && escapes(quote, runes[i+1]):
			i++
			word.WriteRune(runes[i])
			begun = true
		case quote == 0 && unicode.IsSpace(r):
			if begun {
				list = append(list, word.String())
			}
			word.Reset()
			begun = false
		case quote == 0 && (r == '\'' || r == '"'):
			quote, begun = r, true // '' is a word too
		case r == quote:
			quote = 0
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if begun {
		list = append(list, word.String())
	}
	return list, nil
}

// escapes reports whether a backslash takes the meaning from next.
func escapes(quote, next rune) bool {
	switch quote {
	case '\'':
		return false
	case '"':
		return next == '"' || next == '\\'
	}
	return strings.ContainsRune(`'"\`, next) || unicode.IsSpace(next)
}
