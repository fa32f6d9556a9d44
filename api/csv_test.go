package api

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestATextIsGuardedWhereASpreadsheetMayBeginACell(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "plain": "plain", "a=1": "a=1", "6f1c1b1e-0d2a": "6f1c1b1e-0d2a", "a, -b": "a, -b", "ä-ö": "ä-ö", "'=1": "'=1", "a b": "a b", "a;b": "a;b",
		"=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠a": "'＠a",
		"\t": "'\t", "\ttext": "'\ttext", "\rtext": "'\rtext", "\ntext": "'\ntext", "\x00text": "'\x00text", "\u2028text": "'\u2028text",
		" =1": "' =1", "\u00a0 ＝1": "'\u00a0 ＝1", "\ufeff=1": "'\ufeff=1", "\x01=1": "'\x01=1", "\"=1\"": "'\"=1\"", " text": " text", "\"text\"": "\"text\"",
		"\t=1": "'\t'=1", "\n\n=1": "'\n\n'=1", "\x00＝1": "'\x00'＝1", "\r\n@a": "'\r\n'@a",
		"a;=1": "a;'=1", "a;＋1;-2;b": "a;'＋1;'-2;b", ";=1": ";'=1", "a; \"=1\"": "a;' \"=1\"", "a;\t=1": "a;\t'=1", "a;;@b": "a;;'@b", "=1;=2": "'=1;'=2",
		"a\n=1": "a\n'=1", "a\r\n-1": "a\r\n'-1", "a\t=1": "a\t'=1", "a\v=1": "a\v'=1", "a\u0085=1": "a\u0085'=1", "a\u2029 =1": "a\u2029' =1", "a\x00=1": "a\x00'=1",
		"a;b=1;c-1": "a;b=1;c-1",
	} {
		require.Equal(t, want, guard(text), "%q", text)
	}
}

func TestNoPartOfATextIsAFormulaInASpreadsheet(t *testing.T) {
	letters := rapid.SampledFrom([]rune("ab=+-@＝＋－＠;;,\t\n\r\x00\"' \u00a0\ufeff\u2028\v"))
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(letters).Draw(t, "text")
		guarded := guard(text)
		for _, separators := range []string{"", ";", "\t", "\n", "\r", ";\n", ";\t\n\v\r\x00\u2028"} {
			for _, cell := range strings.FieldsFunc(guarded, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
				cell = strings.TrimLeft(cell, " \u00a0\ufeff\"\x00\t\n\r\v\u2028")
				require.False(t, cell != "" && strings.ContainsAny(cell[:min(3, len(cell))], "=+-@") && strings.IndexAny(cell, "=+-@") == 0, "%q in %q", cell, guarded)
				for _, sign := range []string{"＝", "＋", "－", "＠"} {
					require.False(t, strings.HasPrefix(cell, sign), "%q in %q", cell, guarded)
				}
			}
		}
		rest := guarded // only quotes were inserted
		for _, r := range text {
			rest = strings.TrimPrefix(rest, "'")
			if r == '\'' {
				continue
			}
			require.True(t, strings.HasPrefix(rest, string(r)), "%q of %q", guarded, text)
			rest = strings.TrimPrefix(rest, string(r))
		}
		require.LessOrEqual(t, len(strings.Trim(rest, "'")), 0)
	})
}
