package list

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTheEndOfAPrefixFollowsAllTextsWithThatPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.StringN(1, 4, -1).Draw(t, "prefix")
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.String(), func(s string) string { return prefix + s })).Draw(t, "text")
		require.Equal(t, strings.HasPrefix(text, prefix), text >= prefix && text < prefixEnd(prefix))
	})
	require.Equal(t, "ac", prefixEnd("ab"))
	require.Equal(t, "b", prefixEnd("a\xff"))
	require.Greater(t, prefixEnd("\xff"), "\xff\u00ff")
}

func FuzzCursor(f *testing.F) {
	f.Add(EncodeCursor(Position{1, 50}, 7, "", 42))
	f.Fuzz(func(t *testing.T, text string) {
		before, err := DecodeCursor(text, Position{1, 50}, 7)
		var behind *BehindError
		if errors.As(err, &behind) {
			require.Greater(t, behind.Sequence, uint64(50))
			return
		}
		if err != nil {
			require.ErrorIs(t, err, ErrCursor)
			return
		}
		require.GreaterOrEqual(t, before, int64(0))
	})
}
