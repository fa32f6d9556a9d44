package main

import (
	"fmt"
	"strings"
)

// unknownName returns the message about a word that is not one of names, with the name that was
// probably meant. what is the kind of the names with its article. list states where the names are
// listed; if it is empty, the message lists them.
func unknownName(what, word string, names []string, list string) string {
	text := fmt.Sprintf("%q is not %s", word, what)
	if name := nearest(word, names); name != "" {
		text += fmt.Sprintf("; did you mean %s?", name)
	}
	return fmt.Sprintf("%s (%s)", text, orText(list, "one of "+strings.Join(names, ", ")))
}

// nearest returns the one of names that was probably meant by word: the one with the fewest typing
// mistakes, or else the only one that begins with word. It returns "" if none is near.
func nearest(word string, names []string) string {
	word = strings.ToLower(word)
	best, fewest := "", max(1, len(word)/3)+1
	for _, name := range names {
		if n := typingMistakes(word, strings.ToLower(name)); n < fewest && n < len(name) {
			best, fewest = name, n
		}
	}
	if best != "" || word == "" {
		return best
	}
	for _, name := range names {
		if strings.HasPrefix(strings.ToLower(name), word) {
			if best != "" {
				return ""
			}
			best = name
		}
	}
	return best
}

// maxTyped is the maximum length of the words that are compared; no name is longer.
const maxTyped = 64

// typingMistakes returns the number of letters left out, added or replaced, and of neighbours
// exchanged, between a and b.
func typingMistakes(a, b string) int {
	if len(a) > maxTyped || len(b) > maxTyped {
		return len(a) + len(b)
	}
	var rows [maxTyped + 1][maxTyped + 1]int
	for i := range len(a) + 1 {
		for j := range len(b) + 1 {
			switch {
			case i == 0 || j == 0:
				rows[i][j] = i + j
			case a[i-1] == b[j-1]:
				rows[i][j] = rows[i-1][j-1]
			default:
				rows[i][j] = 1 + min(rows[i-1][j-1], rows[i-1][j], rows[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
