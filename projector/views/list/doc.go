// Package list finds the rows of a page: by facets, eras, zones, trade dates and lanes of due
// dates, in walks that a cursor continues. It also defines the columns by which orders are found:
// the facet, the keys of values and times, and the sums of an order. The views store them in the
// order's row.
//
// It reads the views through a Reader and writes nothing. DESIGN.md of package views gives the
// reasons for the rows and indexes.
package list
