package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDoctorReportsThatItCannotExamineARunningLogAndFindsNoFault(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	start(t, []string{"receiver", "api"}, "serve", "--data", data, "--receiver-addr", "127.0.0.1:0", "--api-addr", "127.0.0.1:0", "--nats-addr", "")
	code, stdout, _ := execute(t, nil, "doctor", "--data", data)
	require.Equal(t, 1, code, stdout)
	require.Contains(t, stdout, "not examined")
	require.Contains(t, stdout, "--nats-addr")
	require.NotContains(t, stdout, "fail")

	code, stdout, _ = execute(t, nil, "doctor", "--data", data, "--accept-loss")
	require.Equal(t, 2, code, "a loss that was not looked at is not accepted: %s", stdout)
	require.Contains(t, stdout, "stop the service first")
}
