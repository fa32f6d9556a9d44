package statemachine

// Field identifies a detail of an order: a value that notifications report besides the status.
type Field uint8

// The details that rules or filters need by name, in the order in which they are shown.
const (
	Side Field = iota
	ISIN
	Symbol
	OrderType
	ExchangeCode
	Quantity
	Amount
	ExecutionPrice
	Executions
	LimitPrice
	StopPrice
	ExternalID
	DepositoryProduct
	WalletProduct
	CashProduct
	Message
	CreatedOn
	ExpiryDate
)

// Fields is the number of details.
const Fields = Field(len(details))

// Form is the kind of value of a member of an order. The zero value is TextForm.
type Form uint8

// The forms.
const (
	TextForm    Form = iota
	WordForm         // text that is converted to upper case
	NumberForm       // a Decimal
	TimeForm         // RFC 3339, in UTC
	FlagForm         // true or false, always known
	ProductForm      // the id of a product; all products of an order are shown as one list
	TradesForm       // the encoding of FormatExecutions
)

// Detail describes a detail. Decoding, JSON, CSV, comparisons and the documents of the API are derived
// from these descriptions.
type Detail struct {
	Name    string // in JSON, in CSV and in comparisons
	In      string // the members of a body that may contain it, separated by spaces; the first one that is present is used
	Form    Form
	Example string `json:"-"`
	Doc     string `json:"-"`
}

// details has a row for each detail. A new row is added at the end. It needs a constant only if a rule
// or a filter uses the detail.
var details = [...]Detail{
	Side:         {Name: "side", In: "tradeSide side", Form: WordForm, Example: "BUY"},
	ISIN:         {Name: "isin", In: "isin", Example: "DE0007164600"},
	Symbol:       {Name: "symbol", In: "symbol marketOrderData.symbol"},
	OrderType:    {Name: "orderType", In: "orderType", Form: WordForm, Example: "LIMIT"},
	ExchangeCode: {Name: "exchangeCode", In: "exchangeCode", Example: "XFRA"},
	Quantity: {Name: "quantity", In: "quantity marketOrderData.quantity", Form: NumberForm, Example: "100",
		Doc: "A decimal with the digits received, like all quantities and prices."},
	Amount: {Name: "amount", Form: NumberForm, // replaces a quantity that is an amount of money
		Doc: "Ordered money, if the order is for an amount and not for a quantity."},
	ExecutionPrice: {Name: "executionPrice", In: "execution.executionPrice executionData.executionPrice", Form: NumberForm, Example: "101.25",
		Doc: "The platform's price for the whole execution; executions has that of each trade."},
	Executions:        {Name: "executions", Form: TradesForm},
	LimitPrice:        {Name: "limitPrice", In: "limitPrice", Form: NumberForm, Example: "101.25"},
	StopPrice:         {Name: "stopPrice", In: "stopPrice", Form: NumberForm},
	ExternalID:        {Name: "externalId", In: "externalId", Example: "ord-000123"},
	DepositoryProduct: {Name: "depositoryProduct", In: "depositoryCustomerProductId", Form: ProductForm},
	WalletProduct:     {Name: "walletProduct", In: "walletCustomerProductId", Form: ProductForm},
	CashProduct:       {Name: "cashProduct", In: "cashCustomerProductId", Form: ProductForm},
	Message:           {Name: "message", In: "message rejectionReason rejectReason reason validationError.description"},
	CreatedOn:         {Name: "createdOn", In: "createdOn", Form: TimeForm},
	ExpiryDate:        {Name: "expiryDate", In: "expiryDate", Example: "2026-03-31"},
}

// Details returns the descriptions of the details, indexed by Field. The caller must not change them.
func Details() []Detail { return details[:] }

// Member is a member of an order with a single value: a detail, or a value derived from all facts.
type Member struct {
	Detail
	Value func(o *Order, s *State) string // "" if unknown; s is the state of o
}

// derived are the members that are not details.
var derived = []struct {
	Member
	before Field // the detail before which the member is shown
}{
	{Member{Detail{Name: "assetClass"}, func(o *Order, _ *State) string { return o.AssetClass().String() }}, Side},
	{Member{Detail{Name: "status", Example: "PARTIALLY_FILLED", Doc: "null: no notification has a status that counts."},
		func(_ *Order, s *State) string { return string(s.Status) }}, Side},
	{Member{Detail{Name: "statusSince", Form: TimeForm}, func(_ *Order, s *State) string {
		if s.Status == "" {
			return ""
		}
		return FormatTime(s.StatusSince)
	}}, Side},
	{Member{Detail{Name: "open", Form: FlagForm, Doc: "The order can still trade."}, func(_ *Order, s *State) string { return flag(s.Open) }}, Side},
	{Member{Detail{Name: "final", Form: FlagForm, Doc: "Nothing more is expected. Neither open nor final: the order awaits settlement."},
		func(_ *Order, s *State) string { return flag(s.Final) }}, Side},
	{Member{Detail{Name: "executedQuantity", Form: NumberForm, Example: "40", Doc: "Cumulative."},
		func(_ *Order, s *State) string { return string(s.Executed) }}, ExecutionPrice},
	{Member{Detail{Name: "executedAmount", Form: NumberForm, Example: "4050.00",
		Doc: "Money for executedQuantity: as the platform reported it, or else the sum of the executions."},
		func(_ *Order, s *State) string { return string(s.Amount) }}, Executions},
	{Member{Detail{Name: "averagePrice", Form: NumberForm, Example: "101.25",
		Doc: "executedAmount divided by executedQuantity, rounded half to even to 8 decimal places."},
		func(_ *Order, s *State) string { return string(AveragePrice(s.Amount, s.Executed)) }}, Executions},
	{Member{Detail{Name: "modifiedOn", Form: TimeForm}, func(_ *Order, s *State) string {
		if !s.Dated {
			return ""
		}
		return FormatTime(s.ModifiedOn)
	}}, ExpiryDate},
}

func flag(is bool) string {
	if is {
		return "true"
	}
	return "false"
}

// Members returns the members of an order with a single value, in the order in which they are shown.
func Members() (all []Member) {
	for f := range Fields {
		for _, d := range derived {
			if d.before == f {
				all = append(all, d.Member)
			}
		}
		all = append(all, Member{details[f], func(o *Order, _ *State) string { return o.Detail(f) }})
	}
	return all
}
