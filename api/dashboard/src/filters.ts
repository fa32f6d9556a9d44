// The filters of the list of orders are the parameters that the API describes, kept in the address.
import { statusWord, words } from "./marks";
import { breakParameters, orderParameters, type Parameter } from "./types";
import { day } from "./time";

// Parameters that are not filters but set paging, sort or format.
const notFilters = new Set(["limit", "cursor", "minSequence", "sort", "format", "fields", "totals"]);

/** filters contains all filters of the API. */
export const filters: readonly Parameter[] = orderParameters.filter((p) => !notFilters.has(p.name));

/** sorts contains the API's sort orders of a list. */
export const sorts: readonly string[] = orderParameters.find((p) => p.name === "sort")?.values ?? [];

const labels: Record<string, string> = {
  status: "Status", assetClass: "Asset class", isin: "ISIN", symbol: "Symbol", side: "Side", productId: "Product", idPrefix: "Order id begins with",
  externalId: "External id", break: "Break", open: "Open", final: "Final", receivedSince: "Notified since", receivedUntil: "Notified until",
  modifiedSince: "Changed since", modifiedUntil: "Changed until", quantityMin: "Quantity at least", quantityMax: "Quantity at most",
  executed: "Executed", settlement: "Settlement", dueOn: "Due on", dueSince: "Due since", dueUntil: "Due until", orderType: "Order type", exchangeCode: "Exchange", createdSince: "Created since", createdUntil: "Created until",
  statusChangedSince: "Status since", statusChangedUntil: "Status until", age: "Age", code: "Break", severity: "Severity",
};

/** labelOf returns the label of a parameter, even of an unknown one. */
export function labelOf(name: string): string {
  return labels[name] ?? words(name.replace(/([A-Z])/g, "_$1"));
}

/** valueWord returns the label of a parameter value. */
export function valueWord(name: string, value: string): string {
  switch (name) {
    case "status":
      return statusWord(value === "NONE" ? null : value);
    case "open":
    case "final":
      return value === "true" ? "yes" : "no";
    case "break":
    case "code":
    case "assetClass":
    case "side":
    case "executed":
    case "settlement":
      return words(value);
  }
  return value;
}

/** filtersOf returns the parameters of an address that are filters of the API. */
export function filtersOf(query: URLSearchParams): URLSearchParams {
  const out = new URLSearchParams();
  for (const f of filters) for (const value of query.getAll(f.name)) if (value !== "") out.append(f.name, value);
  return out;
}

/** View is a named set of filters. */
export interface View {
  name: string;
  query: string;
}

const breaks = breakParameters.find((p) => p.name === "code")?.values ?? [];

/** anyBreak returns the query for orders with any break. */
function anyBreak(): string {
  const values = filters.find((p) => p.name === "break")?.values ?? [];
  if (values.includes("any")) return "break=any";
  return breaks.map((code) => "break=" + code).join("&");
}

/** daysAgo returns the date a number of days ago. The API decides in which zone that day begins. */
function daysAgo(days: number): string {
  return day(new Date(Date.now() - days * 86_400_000));
}

/** predefined returns the built-in views. */
export function predefined(): View[] {
  return [
    { name: "All orders", query: "" },
    { name: "Open", query: "open=true" },
    { name: "Contradictory", query: anyBreak() },
    { name: "Awaiting settlement", query: "open=false&final=false" },
    { name: "Overdue", query: "settlement=overdue" },
    { name: "Rejected today", query: "status=REJECTED&status=INVALID&modifiedSince=" + daysAgo(0) },
  ];
}

/** sameQuery reports whether two queries have the same parameters, in any order. */
export function sameQuery(a: string, b: string): boolean {
  const plain = (text: string) => [...new URLSearchParams(text)].map(([k, v]) => k + "=" + v).sort().join("&");
  return plain(a) === plain(b);
}
