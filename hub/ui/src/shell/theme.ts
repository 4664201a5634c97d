// theme.ts - light, dark, or as the system has it. Kept in this browser only.
import { useEffect, useState } from "preact/hooks";

export type Theme = "system" | "light" | "dark";
const NAME = "selvedge-theme";

function stored(): Theme {
  try {
    const value = localStorage.getItem(NAME);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system"; // storage is forbidden: nothing is remembered
  }
}

let theme: Theme = stored();
const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

export const isDark = () => (theme === "system" ? system.matches : theme === "dark");

function apply(): void {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  for (const listener of [...listeners]) listener();
}

system.addEventListener("change", apply);
apply();

export function setTheme(next: Theme): void {
  theme = next;
  try {
    localStorage.setItem(NAME, next);
  } catch {
    // As above.
  }
  apply();
}

export function useTheme(): { theme: Theme; dark: boolean } {
  const [, draw] = useState(0);
  useEffect(() => {
    const listener = () => draw((n) => n + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return { theme, dark: isDark() };
}
