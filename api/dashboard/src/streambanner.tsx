import { useEffect } from "preact/hooks";
import { useSignal, type Signal } from "@preact/signals";
import { unreachable } from "./api";
import type { Stream } from "./stream";

/** StreamBanner says that the screen does not change by itself just now. A cut that is mended at once is not worth a word. */
export function StreamBanner({ stream }: { stream: Signal<Stream | null> }) {
  const late = useSignal(false);
  const s = stream.value;
  const link = s?.link.value;
  const cut = link !== undefined && link.state !== "open" && link.state !== "resting";
  useEffect(() => {
    late.value = false;
    if (!cut) return;
    const timer = setTimeout(() => (late.value = true), 1500);
    return () => clearTimeout(timer);
  }, [s, cut]);
  if (!cut || !late.value || unreachable.value) return null;
  return (
    <div class="banner warn" role="status">
      <strong>The stream of changes is cut.</strong> The list is as of the last change; it is opened again by itself.{" "}
      <button type="button" class="quiet small" onClick={() => s!.again()}>
        Open it now
      </button>
    </div>
  );
}
