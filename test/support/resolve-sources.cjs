/*
 * Jest loads its global setup and its runners outside the module registry of the
 * tests, where `moduleNameMapper` does not reach. There, too, "./up.js" has to
 * mean up.ts while it is not compiled. Import this file first.
 */
const Module = require("node:module");

const resolveFilename = Module._resolveFilename;

Module._resolveFilename = function (request, ...rest) {
  try {
    return resolveFilename.call(this, request, ...rest);
  } catch (error) {
    if (!/^\.{1,2}\/.*\.js$/.test(request)) throw error;
    return resolveFilename.call(this, request.replace(/\.js$/, ".ts"), ...rest);
  }
};
