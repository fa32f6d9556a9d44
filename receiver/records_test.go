package receiver_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
	"github.com/orderfold/orderfold/receiver"
)

const eventTypes = `
CUSTOMER_NOTIFICATION                    /customer-notification                    customer                    customerId
NATURAL_PERSON_NOTIFICATION              /natural-person-notification              natural-person              naturalPersonId
JOINT_PERSON_NOTIFICATION                /joint-person-notification                joint-person                jointPersonId
IDENTIFICATION_VERIFICATION_NOTIFICATION /identification-verification-notification identification-verification identificationVerificationId
DOCUMENT_NOTIFICATION                    /document-notification                    document                    documentId
PARTNER_DOCUMENT_NOTIFICATION            /partner-document-notification            partner-document            partnerDocumentId
ONBOARDING_NOTIFICATION                  /onboarding-notification                  onboarding                  onboardingId
OFFBOARDING_NOTIFICATION                 /offboarding-notification                 offboarding                 offboardingId
CUSTOMER_PRODUCT_NOTIFICATION            /customer-product-notification            customer-product            customerProductId
LEGAL_ENTITY_NOTIFICATION                /legal-entity-notification                legal-entity                legalEntityId
LEGAL_ENTITY_SEARCH_NOTIFICATION         /legal-entity-search-notification         legal-entity-search         legalEntitySearchId
LEGAL_REPRESENTATIVE_NOTIFICATION        /legal-representative-notification        legal-representative        legalRepresentativeId
BENEFICIAL_OWNER_NOTIFICATION            /beneficial-owner-notification            beneficial-owner            beneficialOwnerId
PROXY_NOTIFICATION                       /proxy-notification                       proxy                       proxyId
USER_NOTIFICATION                        /user-notification                        user                        userId
LABELS_UPDATE_NOTIFICATION               /labels-update-notification               labels-update               -
TRANSFER_NOTIFICATION                    /transfer-notification                    transfer                    transferId
STRATEGY_NOTIFICATION                    /strategy-notification                    strategy                    strategyId
SAVINGS_PLANS_NOTIFICATION               /savings-plans-notification               savings-plans               savingsPlansId
CORPORATE_ACTION_NOTIFICATION            /corporate-action-notification            corporate-action            eventId
TAX_EXEMPTION_ORDER_NOTIFICATION         /tax-exemption-order-notification         tax-exemption-order         taxExemptionOrderId
PARTNER_NOTIFICATION                     /partner-notification                     partner                     partnerId
RE_TOKEN_PRICES                          /re-token-prices                          re-token-prices             -
TRADITIONAL_ASSET_ORDER_NOTIFICATION     /traditional-asset-order-notification     traditional-asset-order     orderId
DIGITAL_ASSET_ORDER_NOTIFICATION         /digital-asset-order-notification         digital-asset-order         orderId
TOKENIZED_ASSET_ORDER_NOTIFICATION       /tokenized-asset-order-notification       tokenized-asset-order       orderId`

// recordingLog keeps the last record that the receiver appended, including its key, which a log does
// not store.
type recordingLog struct {
	receiver.Log
	mu   sync.Mutex
	last eventlog.Record
}

func (l *recordingLog) Append(ctx context.Context, record eventlog.Record) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = record
	return l.Log.Append(ctx, record)
}

func TestEveryEventTypeIsStoredByteForByte(t *testing.T) {
	log := openLog(t)
	recording := &recordingLog{Log: log}
	s := start(t, receiver.Options{Log: recording})
	lines := strings.Split(strings.TrimSpace(eventTypes), "\n")
	require.Len(t, lines, 26)
	known := receiver.EventTypes()
	require.Len(t, known, 26)
	for i, line := range lines {
		want := strings.Fields(strings.TrimSuffix(line, "-"))
		want = append(want, "")[:4]
		require.Equal(t, receiver.EventType{Name: want[0], Path: want[1], Object: want[2], IDField: want[3]}, known[i])
		for _, prefix := range []string{"", "/hooks", "/a/b/customer-notification", "//"} {
			body := fmt.Sprintf(" {\"x\" : 1.00e+2,\r\n\"%s\":\"id-%d\",\"\\u00e9\":\"é\xff\",\"x\":null}\n\t", want[3], i)
			if want[3] == "" {
				body = strings.Replace(body, `""`, `"customerId"`, 1)
			}
			a := s.raw(t, request("POST "+prefix+want[1], body, "Content-Type: application/json;charset=UTF-8",
				"X-Request-Id: request-7", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
			require.Equal(t, http.StatusOK, a.StatusCode)
			require.Equal(t, "request-7", a.Header.Get("Request-Id"))
			sequence, err := strconv.ParseUint(a.Header.Get("Log-Sequence"), 10, 64)
			require.NoError(t, err)

			record, err := log.Get(t.Context(), sequence)
			require.NoError(t, err)
			require.Equal(t, body, string(record.Body))
			require.Equal(t, want[2], record.Object)
			require.Equal(t, eventlog.Webhook, record.Source)
			require.Equal(t, "application/json;charset=UTF-8", record.ContentType)
			require.Equal(t, "request-7", record.RequestID)
			require.Equal(t, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", record.Traceparent)
			if want[3] == "" {
				require.Empty(t, recording.last.Key)
			} else {
				require.Equal(t, fmt.Sprintf("id-%d", i), recording.last.Key)
			}
		}
	}
}

func TestAValidRequestIDOfTheCallerIsUsed(t *testing.T) {
	log := openLog(t)
	s := start(t, receiver.Options{Log: log})
	long := strings.Repeat("i", 128)
	tests := []struct {
		name    string
		headers []string
		want    string // empty: a new id
	}{
		{"X-Request-Id is used", []string{"X-Request-Id: a b"}, "a b"},
		{"Request-Id is used", []string{"Request-Id: b"}, "b"},
		{"X-Request-Id is preferred", []string{"Request-Id: b", "X-Request-Id: a"}, "a"},
		{"128 bytes are accepted", []string{"X-Request-Id: " + long}, long},
		{"129 bytes are too many", []string{"X-Request-Id: " + long + "i", "Request-Id: b"}, "b"},
		{"a tab is not printable", []string{"X-Request-Id: a\tb"}, ""},
		{"bytes outside ASCII are not printable", []string{"X-Request-Id: é"}, ""},
		{"none was sent", nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, body := range []string{placed, "not JSON"} {
				a := s.raw(t, post(body, test.headers...))
				id := a.Header.Get("Request-Id")
				if test.want != "" {
					require.Equal(t, test.want, id)
				} else {
					require.Len(t, id, 36)
				}
				record, err := log.Get(t.Context(), lastSequence(t, log))
				require.NoError(t, err)
				require.Equal(t, id, record.RequestID)
			}
		})
	}
}

func TestInvalidHeadersDoNotFailARequest(t *testing.T) {
	log := openLog(t)
	s := start(t, receiver.Options{Log: log})
	for i, contentType := range []string{strings.Repeat("x", 5000), "\xe9\t;", ""} {
		require.Equal(t, 200, s.raw(t, post(placed, "Content-Type: "+contentType, "traceparent: 00-x")).StatusCode)
		record, err := log.Get(t.Context(), uint64(i+1))
		require.NoError(t, err)
		require.LessOrEqual(t, len(record.ContentType), 256)
		require.Empty(t, record.Traceparent)
	}
}

func TestAClientThatDisconnectsDoesNotStopTheAppend(t *testing.T) {
	log := openLog(t)
	gate := gated(log)
	rc, err := receiver.New(receiver.Options{Log: gate})
	require.NoError(t, err)
	gone := make(chan struct{})
	finished := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		context.AfterFunc(r.Context(), func() { close(gone) })
		rc.ServeHTTP(w, r)
		close(finished)
	}))
	defer server.Close()
	s := &service{addr: server.Listener.Addr().String()}
	conn := s.dial(t)
	_, err = conn.Write([]byte(post(placed)))
	require.NoError(t, err)
	<-gate.entered
	require.NoError(t, conn.Close())
	<-gone
	close(gate.gate)
	<-finished
	record, err := log.Get(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, placed, string(record.Body))
}

func TestConcurrentClientsEachGetTheirOwnSequence(t *testing.T) {
	const clients, each = 16, 20
	log := openLog(t)
	s := start(t, receiver.Options{Log: log})
	var seen sync.Map
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			for i := range each {
				body := fmt.Sprintf(`{"orderId":"%d-%d"}`, c, i)
				response, err := http.Post("http://"+s.addr+order, "application/json", strings.NewReader(body))
				if err == nil && response.StatusCode == http.StatusOK {
					seen.Store(response.Header.Get("Log-Sequence"), body)
					_ = response.Body.Close()
				}
			}
		})
	}
	group.Wait()
	http.DefaultClient.CloseIdleConnections()
	require.EqualValues(t, clients*each, lastSequence(t, log))
	for sequence := range uint64(clients * each) {
		record, err := log.Get(t.Context(), sequence+1)
		require.NoError(t, err)
		body, found := seen.Load(fmt.Sprint(sequence + 1))
		require.True(t, found)
		require.Equal(t, body, string(record.Body))
	}
}
