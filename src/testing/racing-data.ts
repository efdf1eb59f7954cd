import { uniformOf } from "../base/id.ts";

/** One car in one race, as the table holds it. */
export interface RacingRow {
  /** `05 Mar 2019`: how a person writes it, which no date function of SQLite understands. */
  readonly raceDate: string;
  readonly circuit: string;
  readonly driverName: string;
  readonly constructorName: string;
  /** `1`, `2`, ... or `Ret`. Always text. */
  readonly position: string;
  readonly grid: number;
  readonly laps: number;
  readonly points: number;
}

const FIRST_SEASON = 2016;
const LAST_SEASON = 2023;

// Invented, so that no model knows an answer that is not in the table.
const DRIVERS = [
  "Mara Lindqvist",
  "Tomas Berger",
  "Anais Duval",
  "Kenji Arakawa",
  "Lucas Moreira",
  "Ilse Vandermeer",
  "Oskar Nyland",
  "Paolo Ferrante",
  "Ruth Okafor",
  "Stefan Kralj",
  "Yara Haddad",
  "Declan Byrne",
  "Viktor Sokolov",
  "Nina Castellano",
] as const;

const CONSTRUCTORS = ["Aurora Works", "Borealis", "Cobalt Racing", "Delta Forge", "Ember Motors", "Falcon Grand", "Griffin"] as const;

const CIRCUITS = [
  "Ardennes Hills",
  "Bahia",
  "Calder Park",
  "Drammen",
  "Estoril Bay",
  "Fuji North",
  "Galway Street",
  "Hockley",
  "Istria Ring",
  "Jerez Sur",
  "Kyalami Gap",
  "Lausitz",
] as const;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
const POINTS = [25, 18, 15, 12, 10, 8, 6, 4, 2, 1] as const;
const RETIREMENT_RATE = 0.12;

/** Every row of the table, always the same, in car order within a race: the winner is not first, so that `LIMIT 1` proves nothing. */
export function racingRows(): readonly RacingRow[] {
  const rows: RacingRow[] = [];
  for (let season = FIRST_SEASON; season <= LAST_SEASON; season += 1) {
    for (const [round, circuit] of CIRCUITS.entries()) rows.push(...raceRows(season, round, circuit));
  }
  return rows;
}

function raceRows(season: number, round: number, circuit: string): RacingRow[] {
  const draw = (what: string, driver = ""): number => uniformOf(`${what}/${season}/${circuit}/${driver}`);
  const raceDate = dateText(season, round, draw("day"));
  const distance = 48 + round * 2 - Math.floor(draw("distance") * 4);
  // Half skill, half luck: everybody wins somewhere, nobody everywhere.
  const pace = (driver: string, day: string): number => uniformOf(`skill/${season}/${driver}`) + 2 * draw(day, driver);
  const grid = [...DRIVERS].sort((a, b) => pace(b, "qualifying") - pace(a, "qualifying"));
  const retired = (driver: string): boolean => draw("retires", driver) < RETIREMENT_RATE;
  const finish = DRIVERS.filter((driver) => !retired(driver)).sort((a, b) => pace(b, "race") - pace(a, "race"));
  return DRIVERS.map((driver, car) => {
    const place = finish.indexOf(driver);
    return {
      raceDate,
      circuit,
      driverName: driver,
      constructorName: constructorOf(season, car),
      position: place < 0 ? "Ret" : String(place + 1),
      grid: grid.indexOf(driver) + 1,
      laps: place < 0 ? Math.floor(draw("laps", driver) * distance) : distance - Math.floor(place / 5),
      points: place < 0 ? 0 : (POINTS[place] ?? 0),
    };
  });
}

/** Two cars a team; every second winter the drivers move on by three seats. */
function constructorOf(season: number, car: number): string {
  const seat = (car + 3 * Math.floor((season - FIRST_SEASON) / 2)) % DRIVERS.length;
  return CONSTRUCTORS[Math.floor(seat / 2)] ?? CONSTRUCTORS[0];
}

function dateText(season: number, round: number, draw: number): string {
  const date = new Date(Date.UTC(season, 2, 3 + round * 21 + Math.floor(draw * 7)));
  return `${String(date.getUTCDate()).padStart(2, "0")} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}
