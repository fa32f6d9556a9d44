// Package access decides which requests are allowed: keys and roles, key file, rate, origins, hosts.
//
// It knows HTTP requests and nothing of what they ask for. A Gate returns a decision; package api answers.
package access
