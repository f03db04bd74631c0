//! `bindgen INPUT.wasm FOLDER` writes `FOLDER/page.js` and `FOLDER/page_bg.wasm`.

use std::env::args_os;

use wasm_bindgen_cli_support::Bindgen;

fn main() {
    let mut arguments = args_os().skip(1);
    let (Some(input), Some(folder)) = (arguments.next(), arguments.next()) else {
        panic!("`bindgen INPUT.wasm FOLDER`");
    };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(input).out_name("page").typescript(false).remove_name_section(true);
    bindgen.web(true).expect("one target is chosen").generate(folder).unwrap();
}
