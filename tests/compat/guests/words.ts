// Strings, arrays and typed arrays for compat.assemblyscript; build: tools/build-guests
export function greet(name: string): string {
  return "Hello, " + name + "!";
}
export function words(text: string): string[] {
  return text.split(" ");
}
export function sum(values: Float64Array): f64 {
  let total: f64 = 0;
  for (let at = 0; at < values.length; at++) total += values[at];
  return total;
}
export function reversed(data: Uint8Array): Uint8Array {
  const found = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at++) found[data.length - 1 - at] = data[at];
  return found;
}
export function doubled(values: i32[]): i32[] {
  return values.map<i32>((value) => value * 2);
}
export function length(data: ArrayBuffer): i32 {
  return data.byteLength;
}
export function fail(why: string): void {
  throw new Error(why);
}
export function say(text: string): void {
  console.log(text);
}
export function big(value: u64): u64 {
  return value + 1;
}
export const Float64Array_ID = idof<Float64Array>();
