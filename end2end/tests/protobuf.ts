// As much of protobuf as it takes to write a request: https://protobuf.dev/programming-guides/encoding/

/** A number as its bytes. */
export const count = (number: number) => {
  const bytes = [];
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) | 128);
  return Buffer.from([...bytes, number]);
};

/** A field of a message that is text or a message itself. */
export const field = (number: number, content: string | Buffer) => {
  const bytes = Buffer.from(content);
  return Buffer.concat([count((number << 3) | 2), count(bytes.length), bytes]);
};
