import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Loading, Trouble } from "./parts";

/** lazy returns a component whose code is loaded when it is first shown. */
export function lazy<P extends object>(load: () => Promise<{ default: ComponentType<P> }>): (props: P) => JSX.Element {
  let loaded: ComponentType<P> | null = null;
  return (props: P) => {
    const [, again] = useState(0);
    const [error, setError] = useState<unknown>(null);
    useEffect(() => {
      if (loaded) return;
      load().then((m) => {
        loaded = m.default;
        again((n) => n + 1);
      }, setError);
    }, []);
    if (loaded) {
      const Loaded = loaded;
      return <Loaded {...props} />;
    }
    return (
      <main class="page">
        {error ? <Trouble error={error} what="The screen" again={() => location.reload()} /> : <Loading what="the screen" />}
      </main>
    );
  };
}
