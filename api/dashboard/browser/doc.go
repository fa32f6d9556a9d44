// Package browser contains only tests: what a person does with the dashboard, in a real Chromium, with the real program that is
// fed by orderfold simulate. They are built with the tag browser, see make browser.
//
// Pictures of all screens are written to the folder that ORDERFOLD_PICTURES names.
package browser
