import { shown } from "./keys";
import { Dialog } from "./parts";

const keys: [string, string][] = [
  ["/", "search for an order, notification, product or instrument by id"],
  ["j  k", "next and previous row, or notification of an order"],
  ["Enter", "open the order's own page"],
  ["Esc", "close the open order or menu"],
  ["n  p", "next and previous break"],
  ["g b", "go to the blotter"],
  ["g k", "go to the breaks"],
  ["g s", "go to settlement"],
  ["g o", "go to operations"],
  ["?", "show these keys"],
];

export function Help() {
  return (
    <Dialog label="Keys" close={() => (shown.value = null)}>
      <h2>Keys</h2>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <>
            <dt>{key.split(" ").filter(Boolean).map((k) => <kbd>{k}</kbd>)}</dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
      <h2>Links</h2>
      <p class="dim">The address of the page contains the filters, the sort, the open order and the selected notification. Send it to a
        colleague to show the same page. Your columns, widths and views stay in your browser.</p>
      <button type="button" onClick={() => (shown.value = null)}>Close</button>
    </Dialog>
  );
}
