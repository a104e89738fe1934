// Clang includes this header of cuRAND, which a toolkit for compiling alone
// does not have, and takes nothing from it but the names of types.
