package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/eventlog"
)

// subscribersAdd asks a running service to add a subscriber.
func (p *program) subscribersAdd(ctx context.Context, args []string) error {
	var service apiAccess
	var s client.SubscriberSettings
	var classes texts
	var asJSON bool
	operands, err := p.flags("subscribers add", "NAME", args, func(f *flagSet) {
		service.registerKeyed(f)
		f.StringVar(&s.Stream, "stream", eventlog.SubscribeOrders, "`stream` to follow: orders, the feed of order events, or notifications, what was posted")
		f.Var(&classes, "asset-class", "only messages about orders of this class: "+strings.Join(feedClasses, ", ")+"; repeatable; none: every message")
		f.StringVar(&s.From, "from", fromStart, "`where` it begins: start, the first message that the stream still has; now, after the last message; or the sequence of a message")
		f.IntVar(&s.MaxPending, "max-pending", 1000, "maximum number of messages that it has received and not acknowledged")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	s.Name = operands[0]
	if err := checkSubscriber(&s, classes.values); err != nil {
		return err
	}
	c, err := service.client()
	if err != nil {
		return err
	}
	added, err := c.AddSubscriber(ctx, s)
	if err != nil {
		return hinted(err)
	}
	if asJSON {
		return printJSON(p.stdout, added.Raw)
	}
	fmt.Fprintf(p.stdout, "subscriber %s of the stream %s, from %s, at most %d messages unacknowledged; %d messages wait for it\n", added.Name, added.Stream, added.From,
		added.MaxPending, added.Pending)
	if added.CredentialsFile != "" {
		_, err = fmt.Fprintf(p.stdout, "its URL is in %s, on the machine of the service\n", added.CredentialsFile)
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "it can connect after these permissions are set on the NATS server:\n\n%s", added.Permissions)
	return err
}

// checkSubscriber returns a usage error for settings that the API would refuse.
func checkSubscriber(s *client.SubscriberSettings, classes []string) error {
	if err := eventlog.CheckSubscriber(s.Name); err != nil {
		return usagef("subscribers add: %q: %s", s.Name, strings.TrimPrefix(err.Error(), "eventlog: "))
	}
	if !slices.Contains([]string{eventlog.SubscribeOrders, eventlog.SubscribeNotifications}, s.Stream) {
		return usagef("subscribers add: --stream: %s", unknownName("a stream", s.Stream, []string{eventlog.SubscribeOrders, eventlog.SubscribeNotifications}, ""))
	}
	for _, class := range classes {
		if !slices.Contains(feedClasses, strings.ToLower(class)) {
			return usagef("subscribers add: --asset-class: %s", unknownName("an asset class", class, feedClasses, ""))
		}
		s.AssetClasses = append(s.AssetClasses, strings.ToUpper(class))
	}
	if sequence, err := strconv.ParseUint(s.From, 10, 63); s.From != fromNow && s.From != fromStart && (err != nil || sequence == 0) {
		return usagef("subscribers add: --from: %q is neither now nor start nor the sequence of a message", s.From)
	}
	if s.MaxPending < 1 {
		return usagef("subscribers add: --max-pending must be at least 1")
	}
	return nil
}

// subscribersList prints the subscribers of a running service and the messages that wait for them.
func (p *program) subscribersList(ctx context.Context, args []string) error {
	var service apiAccess
	var asJSON bool
	if _, err := p.flags("subscribers list", "", args, func(f *flagSet) {
		service.register(f)
		f.BoolVar(&asJSON, "json", false, "print JSON")
	}); err != nil {
		return err
	}
	c, err := service.client()
	if err != nil {
		return err
	}
	list, err := c.Subscribers(ctx)
	if err != nil {
		return hinted(err)
	}
	if asJSON {
		return printJSON(p.stdout, list.Raw)
	}
	if len(list.Data) == 0 {
		_, err := fmt.Fprintln(p.stderr, "there is no subscriber; orderfold subscribers add NAME adds one")
		return err
	}
	table := p.newTable(column{head: "NAME"}, column{head: "STREAM"}, column{head: "PENDING", right: true}, column{head: "UNACKNOWLEDGED", right: true},
		column{head: "REDELIVERED", right: true}, column{head: "LAST REQUEST"}, column{head: "STUCK SINCE"}, column{head: "ASSET CLASSES"}, column{head: "FROM"},
		column{head: "MAX PENDING", right: true})
	if err := table.print(subscriberRows(list.Data)); err != nil {
		return err
	}
	for i := range list.Data {
		if s := &list.Data[i]; s.Problem != "" {
			fmt.Fprintf(p.stdout, "%s: %s\n", s.Name, s.Problem)
		}
	}
	return nil
}

func subscriberRows(subscribers []client.Subscriber) [][]string {
	rows := make([][]string, len(subscribers))
	for i := range subscribers {
		s := &subscribers[i]
		classes := "all"
		if len(s.AssetClasses) > 0 {
			classes = strings.Join(s.AssetClasses, " ")
		}
		rows[i] = []string{s.Name, s.Stream, fmt.Sprint(s.Pending), fmt.Sprint(s.Unacknowledged), fmt.Sprint(s.Redelivered), instantText(s.LastRequestAt),
			instantText(s.StuckSince), classes, s.From, fmt.Sprint(s.MaxPending)}
	}
	return rows
}

// subscribersRemove asks a running service to remove a subscriber.
func (p *program) subscribersRemove(ctx context.Context, args []string) error {
	var service apiAccess
	operands, err := p.flags("subscribers remove", "NAME", args, service.registerKeyed)
	if err != nil {
		return err
	}
	c, err := service.client()
	if err != nil {
		return err
	}
	err = c.RemoveSubscriber(ctx, operands[0])
	if errors.Is(err, client.ErrNotFound) {
		return fmt.Errorf("there is no subscriber %q; orderfold subscribers list lists them", operands[0])
	}
	if err != nil {
		return hinted(err)
	}
	_, err = fmt.Fprintf(p.stdout, "subscriber %s removed; its connections have ended\n", operands[0])
	return err
}
