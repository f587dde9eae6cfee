/** From the script inside the executable, which can load no ES module, into the program that has been unpacked. */
export = (args: string[]): Promise<number> => import('../cli/main.js').then(({ run }) => run(args));
