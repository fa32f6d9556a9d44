import { useEffect } from "preact/hooks";
import { useSignal, type Signal } from "@preact/signals";
import { unreachable } from "./api";
import type { Stream } from "./stream";

/** StreamBanner reports that the stream is interrupted. A short interruption is not shown. */
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
      <strong>The stream of changes is interrupted.</strong> The page shows the last changes that it received, and reconnects by itself.{" "}
      <button type="button" class="quiet small" onClick={() => s!.again()}>
        Reconnect now
      </button>
    </div>
  );
}
