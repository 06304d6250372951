; Counting the bits of a word by halves, as compilers unroll it; the let names are
; used twice in each step, so the tree is far larger than the graph.
(set-option :produce-models true)
(set-logic QF_BV)
(declare-fun x () (_ BitVec 32))
(assert (= #x00000003
  (let ((s1 (bvsub x (bvand (bvlshr x #x00000001) #x55555555))))
  (let ((s2 (bvadd (bvand s1 #x33333333) (bvand (bvlshr s1 #x00000002) #x33333333))))
  (let ((s3 (bvand (bvadd s2 (bvlshr s2 #x00000004)) #x0f0f0f0f)))
  (let ((s4 (bvadd s3 (bvlshr s3 #x00000008))))
    (bvand (bvadd s4 (bvlshr s4 #x00000010)) #x0000003f)))))))
(assert (= ((_ extract 1 0) x) #b01))
(assert (distinct x (concat #x0000 ((_ extract 15 0) x))))
(check-sat)
