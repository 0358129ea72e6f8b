class A { b<T>(c: T): Map<T, T> { return (d => d)`${c}` } }
const e = async (f) => { g(/[/]}/) };
