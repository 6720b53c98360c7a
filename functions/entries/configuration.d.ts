/** Put in by the bundler: the value of `tokenVending`, read by `readConfiguration` when the stack was synthesised. */
declare const TOKEN_VENDING_CONFIGURATION: import('../config.ts').Configuration
/** Of package.json, when the bundle was made. */
declare const TOKEN_VENDING_VERSION: string
