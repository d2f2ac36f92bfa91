function ratio(a: i32, b: i32): i32 {
  return a / b;
}

export function total(from: i32, to: i32): i32 {
  let sum = 0;
  for (let i = from; i < to; i++) {
    sum += ratio(12, 2 - i);
  }
  return sum;
}

export function area(width: i32, height: i32): i32 {
  if (width < 0) {
    return -1;
  }
  return width * height;
}
