export {};
//# sourceMappingURL=addon-scores.js.map
