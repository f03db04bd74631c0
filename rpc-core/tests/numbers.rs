//! A number arrives as it was sent, to the last digit, and comes back so.

use rpc_core::{Context, Router, memory};

/// Numbers that are spread over all magnitudes, by a fixed rule.
fn doubles() -> Vec<f64> {
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        bits
    };
    let anything = std::iter::repeat_with(|| f64::from_bits(next()));
    let mut doubles: Vec<f64> = anything.filter(|number| number.is_finite()).take(5000).collect();
    doubles.extend((0..5000).map(|n| f64::from(n) / 5000.0 * 360.0 - 180.0));
    doubles.extend([f64::MIN_POSITIVE, f64::MAX, f64::MIN, -0.0, 5e-324]);
    doubles
}

fn echo() -> Router {
    Router::new()
        .method("double", |_: Context, (numbers,): (Vec<f64>,)| async move { Ok(numbers) })
        .method("single", |_: Context, (number,): (f32,)| async move { Ok(number) })
        .method("whole", |_: Context, (a, b): (u64, i64)| async move { Ok((a, b)) })
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_number_comes_back_as_it_was() {
    let (peer, _server) = memory::pair(Router::new(), echo());
    let sent = doubles();
    let back = peer.call::<Vec<f64>>("double", (&sent,)).await.unwrap();
    assert_eq!(bits(&back), bits(&sent));
    for number in [0.1_f32, f32::MAX, f32::MIN_POSITIVE, 16_777_216.0] {
        let back = peer.call::<f32>("single", (number,)).await.unwrap();
        assert_eq!(back.to_bits(), number.to_bits());
    }
    let whole = (u64::MAX, i64::MIN);
    assert_eq!(peer.call::<(u64, i64)>("whole", whole).await, Ok(whole));
}
