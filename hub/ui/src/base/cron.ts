// cron.ts - cron expressions in words, where a few words say it; else the expression stands for itself. Pure.

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const SHORT = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const NAMES: Record<string, string> = {
  "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
};

const isNumber = (text: string) => /^\d+$/.test(text);
const two = (text: string) => text.padStart(2, "0");

function dayName(text: string): string | undefined {
  const at = SHORT.indexOf(text.toLowerCase());
  return at >= 0 ? DAYS[at] : isNumber(text) ? DAYS[Number(text) % 7] : undefined;
}

function weekdays(text: string): string | undefined {
  if (/^(1-5|mon-fri)$/i.test(text)) return "on weekdays";
  const names = text.split(",").map(dayName);
  return names.every(Boolean) ? `on ${names.join(", ")}` : undefined;
}

/** "every day at 02:30"; undefined where it takes more than a few words. */
export function cronWords(text: string): string | undefined {
  const [minute, hour, day, month, weekday] = (NAMES[text] ?? text).trim().split(/\s+/);
  if (minute === undefined || hour === undefined || day === undefined || month !== "*" || weekday === undefined) return undefined;
  const isEvery = day === "*" && weekday === "*";
  const step = /^\*\/(\d+)$/.exec(minute);
  if (isEvery && hour === "*" && minute === "*") return "every minute";
  if (isEvery && hour === "*" && step && 60 % Number(step[1]) === 0) return `every ${step[1]} minutes`;
  if (isEvery && hour === "*" && isNumber(minute)) return minute === "0" ? "every hour" : `every hour at minute ${minute}`;
  const hours = /^\*\/(\d+)$/.exec(hour);
  if (isEvery && hours && 24 % Number(hours[1]) === 0 && isNumber(minute)) return `every ${hours[1]} hours at minute ${minute}`;
  if (!isNumber(minute) || !hour.split(",").every(isNumber)) return undefined;
  const at = `at ${hour.split(",").map((one) => `${two(one)}:${two(minute)}`).join(", ")}`;
  if (isEvery) return `every day ${at}`;
  if (day === "*") {
    const words = weekdays(weekday);
    return words ? `${words} ${at}` : undefined;
  }
  return weekday === "*" && isNumber(day) ? `on day ${day} of the month ${at}` : undefined;
}
