/** The validated configuration: the bundler writes it into each function, whose environment ends at 4 KB. */
declare const TOKEN_VENDING_CONFIGURATION: unknown
