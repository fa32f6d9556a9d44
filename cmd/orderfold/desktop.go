package main

import (
	"fmt"
	"os/exec"
	"runtime"
)

// openPage makes the desktop open a page in its browser. It returns as soon as the command has
// started.
func openPage(url string) error {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	command := exec.Command(name, args...)
	if err := command.Start(); err != nil {
		return fmt.Errorf("%s cannot be opened in a browser: %w; open it yourself", url, err)
	}
	go func() { _ = command.Wait() }() // the desktop shows the result
	return nil
}
