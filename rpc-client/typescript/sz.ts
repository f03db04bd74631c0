import {connect} from "./src/index.ts"; globalThis.x=connect
