package platform

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	undeliveredLimit = 100
	// maxPages bounds a list whose cursors never end, and the memory for its cursors.
	maxPages = 1000
)

// Undelivered calls take for every undelivered notification, in the order of the list, and stops at the
// first error of take, which it returns. The platform keeps undelivered notifications for 30 days. The
// form of an entry is not documented; it may be any JSON value.
func (c *Client) Undelivered(ctx context.Context, take func(entry []byte) error) error {
	cursor := ""
	seen := map[[sha256.Size]byte]int{} // the page of each cursor
	for page := 1; ; page++ {
		q := &question{op: "undelivered", what: "list undelivered webhooks, page " + strconv.Itoa(page), method: http.MethodGet,
			path: "/undelivered-webhooks", limit: maxList, query: url.Values{"limit": {strconv.Itoa(undeliveredLimit)}}}
		if cursor != "" {
			q.query.Set("cursor", cursor)
		}
		entries, next, err := askList[jsontext.Value](ctx, c, q)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if err := take(entry); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		key := sha256.Sum256([]byte(next))
		if before, again := seen[key]; again {
			return theirs(q, fmt.Sprintf("the list does not end: page %d is followed by page %d again", page, before))
		}
		if page == maxPages {
			return theirs(q, fmt.Sprintf("the list does not end after %d pages", page))
		}
		cursor, seen[key] = next, page+1
	}
}

// askList returns the entries of an answer that is an array or an object {data, pagination{cursor}},
// and the cursor of the next page; "" if there is none.
func askList[T any](ctx context.Context, c *Client, q *question) (entries []T, next string, err error) {
	q.check = func(body []byte) error {
		if jsontext.Value(body).Kind() == '[' {
			if json.Unmarshal(body, &entries, lax) == nil {
				return nil
			}
			return theirs(q, "the answer is not the requested list")
		}
		var page struct {
			Data       *[]T `json:"data"`
			Pagination struct {
				Cursor *string `json:"cursor"`
			} `json:"pagination"`
		}
		if json.Unmarshal(body, &page, lax) != nil || page.Data == nil {
			return theirs(q, "the answer is neither a list nor a page of a list")
		}
		entries = *page.Data
		if page.Pagination.Cursor != nil {
			next = *page.Pagination.Cursor
		}
		return nil
	}
	_, err = c.ask(ctx, q)
	return entries, next, err
}
