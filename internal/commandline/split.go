package commandline

import (
	"errors"
	"strings"
	"unicode"
)

// Split splits a command line into words. It expands nothing.
//
// White space separates words, except in quotes. Single quotes preserve everything. A
// backslash escapes a quote, another backslash and, outside of quotes, white space;
// before anything else it is an ordinary character, so that Windows paths need no
// quotes.
//
// The libraries for this either expand variables, drop what follows a #, or remove
// every backslash.
func Split(line string) ([]string, error) {
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
	if len(list) == 0 {
		return nil, errors.New("the command is empty")
	}
	return list, nil
}

// escapes reports whether a backslash escapes next.
func escapes(quote, next rune) bool {
	switch quote {
	case '\'':
		return false
	case '"':
		return next == '"' || next == '\\'
	}
	return strings.ContainsRune(`'"\`, next) || unicode.IsSpace(next)
}
