/** What both frameworks offer their model: a tool that fails for a city that is none. */
export function getWeather({ city }) {
  if (city === "Atlantis") throw new Error("unknown city: Atlantis");
  return { temp_c: 21, sky: "sunny" };
}
