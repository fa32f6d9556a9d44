// The filters of the list of orders are the parameters that the API describes, kept in the address.
import { statusWord, words } from "./marks";
import { breakParameters, orderParameters, type Parameter } from "./types";
import { day } from "./time";

// What is not a filter but says how the list is cut, sorted or sent.
const notFilters = new Set(["limit", "cursor", "minSequence", "sort", "format", "fields", "totals"]);

/** filters are all filters that the API has. */
export const filters: readonly Parameter[] = orderParameters.filter((p) => !notFilters.has(p.name));

/** sorts are the orders of a list that the API has. */
export const sorts: readonly string[] = orderParameters.find((p) => p.name === "sort")?.values ?? [];

const labels: Record<string, string> = {
  status: "Status", assetClass: "Asset class", isin: "ISIN", symbol: "Symbol", side: "Side", productId: "Product", idPrefix: "Order id begins with",
  externalId: "External id", break: "Break", open: "Open", final: "Final", receivedSince: "Notified since", receivedUntil: "Notified until",
  modifiedSince: "Changed since", modifiedUntil: "Changed until", quantityMin: "Quantity at least", quantityMax: "Quantity at most",
  executed: "Executed", settlement: "Settlement", dueOn: "Due on", dueSince: "Due since", dueUntil: "Due until", orderType: "Order type", exchangeCode: "Exchange", createdSince: "Created since", createdUntil: "Created until",
  statusChangedSince: "Status since", statusChangedUntil: "Status until", age: "Age", code: "Break", severity: "Severity",
};

/** labelOf returns the words for a parameter; also for one that this page has never heard of. */
export function labelOf(name: string): string {
  return labels[name] ?? words(name.replace(/([A-Z])/g, "_$1"));
}

/** valueWord returns the words for a value of a parameter. */
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

/** filtersOf returns the part of an address that the API is to be asked with. */
export function filtersOf(query: URLSearchParams): URLSearchParams {
  const out = new URLSearchParams();
  for (const f of filters) for (const value of query.getAll(f.name)) if (value !== "") out.append(f.name, value);
  return out;
}

/** View is a list with a name. */
export interface View {
  name: string;
  query: string;
}

const breaks = breakParameters.find((p) => p.name === "code")?.values ?? [];

/** anyBreak selects the orders with whichever break. */
function anyBreak(): string {
  const values = filters.find((p) => p.name === "break")?.values ?? [];
  if (values.includes("any")) return "break=any";
  return breaks.map((code) => "break=" + code).join("&");
}

/** daysAgo returns the day so many days ago. The API knows in which zone a day begins. */
function daysAgo(days: number): string {
  return day(new Date(Date.now() - days * 86_400_000));
}

/** predefined are the views that everybody has. */
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

/** sameQuery reports whether two queries select the same, in whatever order they are written. */
export function sameQuery(a: string, b: string): boolean {
  const plain = (text: string) => [...new URLSearchParams(text)].map(([k, v]) => k + "=" + v).sort().join("&");
  return plain(a) === plain(b);
}
