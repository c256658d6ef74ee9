import { types } from "node:util";

/*
 * Jest gives every file of tests a realm of its own, so that an error of Node's is no
 * `instanceof Error` there, and libraries that ask so take another way than outside.
 * Loading this file makes Node's errors errors.
 */
Object.defineProperty(Error, Symbol.hasInstance, {
  configurable: true,
  value(this: unknown, value: unknown): boolean {
    if (this === Error && types.isNativeError(value)) return true;
    return Function.prototype[Symbol.hasInstance].call(this as () => void, value);
  },
});
