// Package access decides which requests are allowed: keys and roles, key file, rate, origins,
// hosts.
//
// It knows about HTTP requests but not about their meaning. A Gate returns a decision; package api
// answers.
package access
