// Package list finds the rows of a page: by facets, eras, zones, trade dates and lanes of due dates, in walks that a cursor continues. It
// also defines by what orders are found: the facet, the keys of values and times, and the sums of an order, which the views store in its
// row.
//
// It reads what the views lend it and writes nothing. DESIGN.md of the views says why rows and indexes are as they are.
package list
