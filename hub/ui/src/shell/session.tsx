// session.tsx - who is logged in. Without a session there is the log-in form; behind a one-time link, the first password.
import { createContext } from "preact";
import type { ComponentChildren } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { ApiError, change, get, setCsrfToken, setSignedOutHandler } from "../api/client";
import { startLive, stopLive } from "../api/live";
import { forgetAll } from "../api/query";
import type { Session } from "../api/types";
import { Failure } from "../parts/bits";
import { go, usePlace } from "./router";

const Who = createContext<{ session: Session; logOut: () => void }>({ session: {}, logOut: () => undefined });
export const useSession = () => useContext(Who);

const RANKS = ["viewer", "operator", "admin"];

/** Whether the user's role is at least this one. The hub decides; this only hides what it would refuse. */
export function useMay(role: string): boolean {
  const { session } = useSession();
  return RANKS.indexOf(session.role ?? "viewer") >= RANKS.indexOf(role);
}

const isIn = (session: Session | null): session is Session => Boolean(session?.user);

export function SessionGate({ children }: { children: ComponentChildren }) {
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [error, setError] = useState<ApiError | null>(null);
  const place = usePlace();

  const take = (value: Session | null) => {
    setCsrfToken(value?.csrf_token ?? "");
    setSession(value);
    setError(null);
  };
  const ask = () => {
    get<Session>("/session").then(take, (problem: ApiError) => {
      if (problem.status === 401 || problem.status === 403) take(null);
      else setError(problem);
    });
  };
  useEffect(() => {
    setSignedOutHandler(() => take(null));
    if (location.pathname !== "/setup") ask(); // there nobody is logged in yet
  }, []);
  useEffect(() => {
    if (isIn(session ?? null)) startLive();
    else stopLive();
  }, [session]);

  const logOut = () => {
    const done = () => {
      forgetAll();
      take(null);
    };
    change("DELETE", "/session").then(done, done);
  };

  if (place.path === "/setup") return <Setup onDone={ask} />;
  if (session === undefined) {
    if (error) return <main class="alone"><Failure error={error} onRetry={ask} /></main>;
    return <p class="boot" role="status">Asking the hub who you are…</p>;
  }
  if (!isIn(session)) return <LogIn onDone={ask} />;
  return <Who.Provider value={{ session, logOut }}>{children}</Who.Provider>;
}

function Mark() {
  return <div class="mark" aria-hidden="true"><span /><b>Selvedge</b></div>;
}

function LogIn({ onDone }: { onDone: () => void }) {
  const [error, setError] = useState<Error | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    const before = document.title; // of the page that is shown after it
    document.title = "Log in · Selvedge";
    return () => { document.title = before; };
  }, []);
  const submit = (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    change<Session>("POST", "/session", { user: form.get("user"), password: form.get("password") })
      .then(onDone, (problem: Error) => setError(problem))
      .finally(() => setBusy(false));
  };
  return (
    <main class="alone">
      <form class="card sign-in" onSubmit={submit}>
        <Mark />
        <h1>Log in</h1>
        <label>User<input name="user" autocomplete="username" required autofocus spellcheck={false} /></label>
        <label>Password<input name="password" type="password" autocomplete="current-password" required /></label>
        {error ? <p class="form-error" role="alert">{error.message}{error instanceof ApiError && error.hint ? ` ${error.hint}` : ""}</p> : null}
        <button class="primary" type="submit" disabled={isBusy}>{isBusy ? "Logging in…" : "Log in"}</button>
        <p class="soft">No account yet? The hub prints a one-time link when it first starts; later an admin makes accounts in Settings.</p>
      </form>
    </main>
  );
}

function Setup({ onDone }: { onDone: () => void }) {
  const [error, setError] = useState<Error | null>(null);
  const [isBusy, setBusy] = useState(false);
  // The secret stands behind the #, so that it reaches no server's log; taken once, then gone from the address.
  const [secret] = useState(() => location.hash.slice(1));
  const submit = (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const [user, password] = [String(form.get("user")), String(form.get("password"))];
    if (password !== form.get("again")) {
      setError(new Error("The two passwords differ."));
      return;
    }
    setBusy(true);
    change("POST", "/setup", { secret, user, password })
      .then(() => get<Session>("/session").catch(() => change("POST", "/session", { user, password })))
      .then(() => {
        go("/", { isReplacing: true });
        onDone();
      }, (problem: Error) => setError(problem))
      .finally(() => setBusy(false));
  };
  return (
    <main class="alone">
      <form class="card sign-in" onSubmit={submit}>
        <Mark />
        <h1>Set the admin's password</h1>
        {secret ? null : <p class="form-error" role="alert">This address has no secret behind #. Open the whole link that the hub printed.</p>}
        <label>User<input name="user" autocomplete="username" required value="admin" spellcheck={false} /></label>
        <label>Password<input name="password" type="password" autocomplete="new-password" minLength={10} required autofocus /></label>
        <label>Once more<input name="again" type="password" autocomplete="new-password" minLength={10} required /></label>
        {error ? <p class="form-error" role="alert">{error.message}{error instanceof ApiError && error.hint ? ` ${error.hint}` : ""}</p> : null}
        <button class="primary" type="submit" disabled={isBusy || !secret}>{isBusy ? "Setting…" : "Set it and log in"}</button>
        <p class="soft">The link works once. At least ten characters; a few words in a row are good.</p>
      </form>
    </main>
  );
}
