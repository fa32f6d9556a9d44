package views

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnErrorOfTheViewsSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	_, locked := Open(context.Background(), Options{Dir: dir, FoldVersion: testVersion})
	reader, err := Open(context.Background(), Options{Dir: dir, FoldVersion: "another", ReadOnly: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, reader.Close()) }()
	_, other := reader.Status(context.Background())
	for _, test := range []struct {
		name string
		err  error
		is   error
		hint string
	}{
		{"another process writes", locked, ErrLocked, "stop it, or give this one a folder of its own"},
		{"another version made them", other, ErrVersion, "read them with the version that writes them"},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.ErrorIs(t, test.err, test.is)
			require.ErrorContains(t, test.err, ": "+test.hint)
		})
	}
}
