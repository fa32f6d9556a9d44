// Package browser contains only tests: the actions of a person in the dashboard, in a real
// Chromium, with the real program and data from orderfold simulate. The tests are built with the
// tag browser, see make browser.
//
// Screenshots of all screens are written to the folder that PICTURES names.
package browser
